"""The report is whole in itself, escapes what it is given and says what it shows."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.window import shown_items

Make = Callable[..., ReportInputs]
VOID = {"meta", "img", "input", "br", "line", "circle", "fefuncr", "fefuncg", "fefuncb", "polyline", "path"}


class Reader(HTMLParser):
    """Collects elements and text, and checks that every element is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_report_loads_nothing_from_outside(inputs: ReportInputs) -> None:
    html = render_report(inputs)
    reader = Reader(html)
    for tag, attributes in reader.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"(url\(|@import\s)['\"]?(?!#)", html)
    assert "link" not in {tag for tag, _ in reader.elements}


def test_policy_admits_the_script_inlined_and_no_other(inputs: ReportInputs) -> None:
    html = render_report(inputs)
    policy = next(
        m["content"] for m in Reader(html).all("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert script and policy
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_everything_given_is_escaped(inputs: ReportInputs) -> None:
    evil = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
    first = inputs.methods[0]
    metric = dataclasses.replace(first.metrics["psnr"], name=evil, convention=evil, unit=evil)
    method = dataclasses.replace(first, name=evil, config={evil: [evil]}, metrics={evil: metric})
    stage = dataclasses.replace(inputs.stages[0], name=evil, key=evil, device=evil)
    html = render_report(
        dataclasses.replace(
            inputs,
            title=evil,
            recipe_name=evil,
            modality=evil,
            region_text=evil,
            methods=(method, inputs.methods[1]),
            notes=(evil,),
            item_labels=(evil, evil, evil),
            shown_labels=(evil, evil, evil),
            unit=evil,
            measured_text=evil,
            mask_text=evil,
            samples=np.eye(3),
            samples_text=evil,
            outline=np.zeros(inputs.shape, dtype=np.uint8),
            outline_text=evil,
            stages=(stage,),
            provenance={evil: evil},
            recipe_yaml=evil,
            command=evil,
        )
    )
    reader = Reader(html)
    assert len(reader.all("script")) == 1 and len(reader.all("style")) == 1
    assert not any(attributes.get("src") == "x" for attributes in reader.all("img"))
    assert "<img src=x" not in html and "alert(1)" in reader.text


def test_images_are_pngs_of_the_right_size_with_alternative_texts(inputs: ReportInputs) -> None:
    images = Reader(render_report(inputs)).all("img")
    views = [image for image in images if image.get("width") == "18" and image.get("height") == "24"]
    assert len(views) == 3 * (1 + 2 * 3) + 2  # items x (reference, images and errors), mask, region
    for image in images:
        assert image["alt"] or image.get("class") == "outline"  # the caption says what the outline is
        source = image["src"] or ""
        with Image.open(
            io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))
        ) as picture:
            assert picture.format == "PNG" and picture.mode in ("L", "P", "1", "RGB")


def test_report_says_what_it_shows(inputs: ReportInputs) -> None:
    reader = Reader(render_report(inputs))
    for text in (
        "tv is closest to the reference: PSNR",
        inputs.methods[0].metrics["ssim"].convention.removesuffix("; region: a disc"),
        "Region a disc",
        "No number was tuned on this reference.",
        f"{inputs.mask.sum()} of 432 positions" if inputs.mask is not None else "",
        "from the store",
        "3 MiB",
        "lam = 0.002",
        "name: blob",
        "proxflow run blob.yaml",
        "blob.h5",
        "slice 2",
        "1 × 2 mm",
    ):
        assert text in reader.text, text
    assert {"PSNR", "Iterations"} <= {text.strip() for text in reader.texts}
    assert all(head.get("scope") for head in reader.all("th"))
    assert len(reader.all("caption")) == len(reader.all("table"))


def test_pixels_not_square_keep_the_shape_of_the_object(inputs: ReportInputs) -> None:
    viewer = next(
        a for a in Reader(render_report(inputs)).all("div") if (a.get("class") or "").startswith("viewer")
    )
    assert viewer["style"] == f"--aspect:{18 * 2 / 24:.5f}"


def test_best_of_each_column_is_marked_once(inputs: ReportInputs) -> None:
    html = render_report(inputs).split("<details>")[0]
    assert html.count('class="num best"') == 3
    assert re.search(r'tv</th><td class="num best">', html)


def test_report_of_one_method_without_reference_or_extras(changed: Make, inputs: ReportInputs) -> None:
    method = dataclasses.replace(inputs.methods[0], metrics={}, trace={}, config={})
    bare = changed(
        methods=(method,),
        reference=None,
        region=None,
        coil_maps=None,
        mask=None,
        acceleration=None,
        notes=(),
        stages=(),
        provenance={},
        voxel_size_mm=None,
    )
    reader = Reader(render_report(bare))
    assert "no number here ranks the images" in reader.text
    assert "the measurement alone" in reader.text and "Error" not in reader.text
    assert not any("plot" in (svg.get("class") or "") for svg in reader.all("svg"))


def test_equal_images_show_infinity_and_empty_images_render(changed: Make, inputs: ReportInputs) -> None:
    assert inputs.reference is not None
    from proxflow.models.metrics.evaluate import evaluate_images

    perfect = dataclasses.replace(
        inputs.methods[0],
        image=inputs.reference,
        metrics=evaluate_images(inputs.reference, inputs.reference, names=("psnr",)),
    )
    assert "PSNR ∞ dB" in Reader(render_report(changed(methods=(perfect, inputs.methods[1])))).text
    zero = dataclasses.replace(inputs.methods[0], image=np.zeros_like(inputs.reference), metrics={})
    Reader(render_report(changed(methods=(zero,), reference=None)))


def test_items_left_out_are_counted(sized: Make, showing: Make) -> None:
    inputs = sized((70, 12, 10))
    html = render_report(showing(inputs, tuple(shown_items(70, 12, 10, 3, True))))
    text = Reader(html).text
    assert "12 of 70 items are shown" in text and "The first 64 of 70 items" in text
    assert html.count('class="panel"') == 12


def test_report_at_full_size_is_small_and_quick(sized: Make) -> None:
    inputs = sized((4, 224, 224), ("psnr",))
    four = dataclasses.replace(
        inputs, methods=(*inputs.methods, dataclasses.replace(inputs.methods[0], name="w"))
    )
    render_report(four)
    start = time.process_time()
    html = render_report(four)
    assert time.process_time() - start < 1.2  # 0.3 s on one 2024 core; leaves room for a busy machine
    assert len(html) < 3e6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"methods": ()}, "methods must hold"),
        ({"reference": np.ones((3, 18, 24))}, "reference must have shape"),
        ({"shown": (0,)}, "shown must number 3"),
        ({"shown": (0, 1, 3)}, "shown must be of the 3 item_labels"),
        ({"shown_labels": ("one",)}, "shown_labels must number 3"),
        ({"item_labels": ("a", "b", "c", "d")}, "per_item of psnr of zero_filled must number 0 or 4, got 3"),
        ({"region": np.ones((2, 24, 18), bool)}, "region must have shape"),
        ({"outline": np.zeros((24, 18), np.uint8)}, "outline must have shape"),
        ({"outline": np.zeros((3, 24, 18))}, "outline must be uint8"),
        ({"samples": np.ones((2, 2), complex)}, "samples must be real"),
        ({"decibels": 0.0}, "decibels must be above 0"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(changed: Make, fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(**fields)


def test_methods_must_agree_in_shape_and_differ_in_name(changed: Make, inputs: ReportInputs) -> None:
    first = inputs.methods[0]
    with pytest.raises(ValueError, match="method names must differ"):
        changed(methods=(first, first))
    with pytest.raises(ValueError, match="image of x must have shape"):
        changed(methods=(first, dataclasses.replace(first, name="x", image=first.image[:1])))

"""Previews, metrics.json and metrics.csv."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
from PIL import Image

from proxflow.models.metrics.registry import metric_value
from proxflow.models.metrics.value import MetricValue
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_files import metrics_csv, metrics_document, metrics_json
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report

Make = Callable[..., ReportInputs]


def test_previews_are_pngs_of_the_first_item(inputs: ReportInputs) -> None:
    previews = render_previews(inputs)
    assert set(previews) == {
        "reference.png",
        "mask.png",
        "coil-maps.png",
        "comparison.png",
        "zero_filled.png",
        "cg_sense.png",
        "tv.png",
    }
    sizes = {name: Image.open(io.BytesIO(data)).size for name, data in previews.items()}
    assert sizes["tv.png"] == sizes["reference.png"] == (18, 24)
    assert sizes["comparison.png"] == (4 * 8 * 18 + 3 * 4, 38 + 8 * 24 + 4 + 8 * 24)  # enlarged 8 times
    shown = np.asarray(Image.open(io.BytesIO(previews["reference.png"])))
    assert inputs.reference is not None
    assert np.corrcoef(shown.ravel(), np.abs(inputs.reference[0]).ravel())[0, 1] > 0.999


def test_preview_names_never_leave_the_folder_nor_clash(inputs: ReportInputs, changed: Make) -> None:
    names = ("../../etc/x", "etc-x", "comparison")
    methods = tuple(dataclasses.replace(m, name=n) for m, n in zip(inputs.methods, names, strict=True))
    previews = render_previews(changed(methods=methods, reference=None, mask=None, coil_maps=None))
    assert set(previews) == {"comparison.png", "etc-x.png", "etc-x-2.png", "comparison-2.png"}


def test_json_is_strict_and_gives_the_numbers_back(inputs: ReportInputs, changed: Make) -> None:
    odd = {
        "psnr": metric_value("psnr", np.inf, [np.inf, np.nan, 3.0], convention_text="c"),
        "nmse": metric_value("nmse", np.nan, convention_text="d"),
    }
    run = changed(methods=(dataclasses.replace(inputs.methods[0], metrics=odd), inputs.methods[1]))

    def refuse(literal: str) -> None:
        raise AssertionError(f"metrics.json holds {literal}")

    document = json.loads(metrics_json(metrics_document(run)), parse_constant=refuse)
    first = document["methods"]["zero_filled"]["metrics"]
    assert first["psnr"]["value"] == "inf" and first["psnr"]["per_item"] == ["inf", None, 3.0]
    assert first["nmse"]["value"] is None
    second = document["methods"]["cg_sense"]["metrics"]["ssim"]
    assert MetricValue.from_json(second) == inputs.methods[1].metrics["ssim"]
    assert document["region"] == "a disc" and document["items"] == list(inputs.item_labels)
    assert document["stages"][1]["name"] == "reconstruct tv" and document["provenance"]["scan"] == "blob.h5"


def test_csv_is_long_with_one_row_per_number(inputs: ReportInputs) -> None:
    rows = list(csv.DictReader(io.StringIO(metrics_csv(metrics_document(inputs)))))
    assert list(rows[0]) == ["method", "metric", "item", "value", "unit", "convention"]
    assert len(rows) == 3 * 3 * (1 + 3)
    row = next(r for r in rows if (r["method"], r["metric"], r["item"]) == ("tv", "psnr", "slice 1"))
    assert float(row["value"]) == inputs.methods[2].metrics["psnr"].per_item[1] and row["unit"] == "dB"
    assert "fastMRI" in row["convention"]


def test_report_needs_no_plotting_library_nor_torch() -> None:
    code = (
        "import sys, proxflow.tasks.report.render, proxflow.tasks.report.previews;"
        "print([m for m in ('torch', 'matplotlib', 'skimage', 'h5py', 'prefect') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_volume_s_middle_slice_stands_for_it(inputs: ReportInputs, changed: Make) -> None:
    """Three slices of one volume, the ends empty; of three items the first stands for the run."""
    methods = tuple(dataclasses.replace(method, metrics={}) for method in inputs.methods)
    assert inputs.reference is not None
    reference = inputs.reference * np.array([0, 1, 0], np.float32)[:, None, None]
    volume = changed(
        methods=methods, reference=reference, item_labels=("cone",), shown=(0, 0, 0), item_shape=(3, 24, 18)
    )
    assert (inputs.preview, volume.preview) == (0, 1)
    shown = np.asarray(Image.open(io.BytesIO(render_previews(volume)["reference.png"])))
    assert np.corrcoef(shown.ravel(), np.abs(reference[1]).ravel())[0, 1] > 0.999
    assert 'value="1" selected>' in render_report(volume) and " selected>" not in render_report(inputs)

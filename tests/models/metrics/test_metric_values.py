"""Properties of the metrics that hold whatever the image."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from proxflow.models.metrics.evaluate import IMAGE_METRICS, evaluate_images
from proxflow.models.metrics.registry import METRICS, convention, higher_is_better, metric, metric_value
from proxflow.models.metrics.value import MetricValue

SHAPE = (2, 23, 17)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    parts = rng.standard_normal((4, *SHAPE))
    reference = parts[0] + 1j * parts[1]
    return reference + 0.2 * (parts[2] + 1j * parts[3]), reference


@pytest.mark.parametrize("scale", [1e-6, 3.0, -2j])
def test_metrics_do_not_change_with_a_common_scale(
    pair: tuple[np.ndarray, np.ndarray], scale: complex
) -> None:
    before = evaluate_images(*pair, names=IMAGE_METRICS)
    after = evaluate_images(scale * pair[0], scale * pair[1], names=IMAGE_METRICS)
    for name in IMAGE_METRICS:
        assert after[name].value == pytest.approx(before[name].value, rel=1e-9), name
        np.testing.assert_allclose(after[name].per_item, before[name].per_item, rtol=1e-9)


def test_more_noise_is_worse_in_every_metric_that_ranks(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    worse = evaluate_images(reference + 3 * (image - reference), reference, names=IMAGE_METRICS)
    better = evaluate_images(image, reference, names=IMAGE_METRICS)
    for name in IMAGE_METRICS:
        if higher_is_better(name) is not None:
            assert (better[name].value > worse[name].value) == higher_is_better(name), name


def test_identical_images_give_the_ideal_values_and_survive_json(pair: tuple[np.ndarray, np.ndarray]) -> None:
    values = evaluate_images(pair[1], pair[1], names=IMAGE_METRICS)
    assert values["psnr"].value == math.inf and values["psnr"].per_item == (math.inf, math.inf)
    assert values["ssim"].value == pytest.approx(1)
    assert [values[name].value for name in ("nmse", "hfen", "nrmse_complex")] == [0, 0, 0]
    text = json.dumps(values["psnr"].to_json(), allow_nan=False)
    assert '"value": "inf"' in text
    assert MetricValue.from_json(json.loads(text)) == values["psnr"]


def test_nan_becomes_null_in_json() -> None:
    value = metric_value("data_residual", math.nan, [0.5], convention_text="c")
    document = json.loads(json.dumps(value.to_json(), allow_nan=False))
    assert document["value"] is None and document["per_item"] == [0.5]
    assert math.isnan(MetricValue.from_json(document).value)


def test_only_the_complex_metric_sees_a_phase_error(pair: tuple[np.ndarray, np.ndarray]) -> None:
    values = evaluate_images(pair[1] * 1j, pair[1], names=("nmse", "nrmse_complex"))
    assert values["nmse"].value == pytest.approx(0, abs=1e-25)
    assert values["nrmse_complex"].value == pytest.approx(math.sqrt(2))


def test_a_zero_item_has_no_ratio_of_its_own(pair: tuple[np.ndarray, np.ndarray]) -> None:
    reference = pair[1].copy()
    reference[0] = 0
    value = evaluate_images(pair[0], reference, names=("nmse",))["nmse"]
    assert math.isnan(value.per_item[0]) and math.isfinite(value.per_item[1]) and math.isfinite(value.value)


def test_gradient_energy_of_a_ramp_needs_no_reference() -> None:
    y, x = np.mgrid[0:9, 0:12].astype(float)
    region = np.zeros((9, 12), dtype=bool)
    region[2:-2, 2:-2] = True  # Sobel at the mirrored edge is not the slope
    ramp = 3 * x + 4 * y
    value = evaluate_images(ramp[None], None, names=("gradient_energy",), region=region)["gradient_energy"]
    assert value.value == pytest.approx(25 * region.sum() / np.sum(ramp[region] ** 2))
    assert value.higher_is_better is None


def test_every_metric_states_its_convention(pair: tuple[np.ndarray, np.ndarray]) -> None:
    for name in METRICS:
        assert len(convention(name)) > 20 and "\n" not in convention(name)
    values = evaluate_images(*pair, names=("psnr", "nmse"), region_text="support of the coil maps")
    peak = f"{np.abs(pair[1]).max():.4g}"
    assert f"data range {peak}, the maximum of the reference volume" in values["psnr"].convention
    assert "region: support of the coil maps" in values["nmse"].convention
    given = evaluate_images(*pair, names=("psnr",), data_range=2.0)["psnr"]
    assert "data range 2, as given" in given.convention
    assert "region" not in convention("data_residual")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("pnsr",)}, "metric must be one of psnr"),
        ({"names": ("held_out_error",)}, "metric must be one of images"),
        ({"reference": None}, "metric psnr must have a reference"),
        ({"reference": np.ones((2, 17, 23))}, "reference must have the image's shape"),
        ({"reference": np.zeros(SHAPE)}, "data_range must be positive"),
        ({"image": np.full(SHAPE, np.nan)}, "image must be finite"),
        ({"image": np.ones((23, 17))}, "image must have axes"),
        ({"names": ("nrmse_complex",), "image": np.ones(SHAPE)}, "must be complex"),
        ({"data_range": -1.0}, "data_range must be positive"),
    ],
)
def test_bad_input_is_refused_by_name(
    pair: tuple[np.ndarray, np.ndarray], change: dict, message: str
) -> None:
    arguments = {"image": pair[0], "reference": pair[1], "names": ("psnr",), **change}
    with pytest.raises(ValueError, match=message):
        evaluate_images(**arguments)


def test_real_images_are_compared_by_their_values() -> None:
    reference = np.ones(SHAPE)
    image = reference.copy()
    image[:, 4, 5] = -1  # of the same magnitude
    values = evaluate_images(image, reference, names=("psnr", "nmse", "ssim", "hfen"))
    assert values["nmse"].value == pytest.approx(4 / (SHAPE[1] * SHAPE[2]))
    assert math.isfinite(values["psnr"].value) and values["ssim"].value < 1 and values["hfen"].value > 0
    assert values["psnr"].convention.startswith("values, ")
    folded = evaluate_images(image.astype(complex), reference, names=("psnr", "gradient_energy"))
    assert folded["psnr"].value == math.inf
    assert all(value.convention.startswith("magnitudes, ") for value in folded.values())


def test_unknown_metric_is_named() -> None:
    with pytest.raises(ValueError, match="'lpips'"):
        metric("lpips")


class OneByOne:
    """Images that are handed out one at a time, as a stored stack is."""

    def __init__(self, images: np.ndarray) -> None:
        self.shape, self._images = images.shape, images

    def __getitem__(self, item: int) -> np.ndarray:
        assert isinstance(item, int)
        return self._images[item]


def test_images_may_be_read_one_by_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    region = np.zeros(SHAPE, dtype=bool)
    region[0, 5:20, 4:18], region[1, 8:, 6:] = True, True  # of unlike sizes: the mean of means is another
    whole = evaluate_images(*pair, names=IMAGE_METRICS, region=region)
    single = evaluate_images(OneByOne(pair[0]), OneByOne(pair[1]), names=IMAGE_METRICS, region=region)
    assert single == whole
    error = np.abs(np.abs(pair[0]) - np.abs(pair[1]))[region]
    expected = 10 * math.log10(np.abs(pair[1]).max() ** 2 / np.mean(error**2))
    assert whole["psnr"].value == pytest.approx(expected)

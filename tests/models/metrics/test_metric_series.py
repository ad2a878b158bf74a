"""Numbers of series: over all frames, per item, and of every frame."""

from __future__ import annotations

import json

import numpy as np
import pytest

from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.models.metrics.value import MetricValue

NAMES = ("psnr", "ssim", "nmse", "hfen")
FRAMES = 3


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two series of three frames, of unequal brightness: what is counted together must show."""
    rng = np.random.default_rng(5)
    reference = rng.random((2 * FRAMES, 14, 11)) * np.arange(1, 7)[:, None, None]
    noise = rng.standard_normal(reference.shape) * np.arange(6, 0, -1)[:, None, None] / 9
    return reference + noise, reference


def test_whole_series_is_one_space_time_array(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    found = evaluate_images(image, reference, names=NAMES, planes=FRAMES, series=True)
    mse = np.mean((image - reference) ** 2)
    assert found["psnr"].value == pytest.approx(10 * np.log10(reference.max() ** 2 / mse))
    assert found["nmse"].value == pytest.approx(((image - reference) ** 2).sum() / (reference**2).sum())
    flat = evaluate_images(image, reference, names=NAMES)
    for name in NAMES:
        assert found[name].value == pytest.approx(flat[name].value)
        assert np.ravel(found[name].per_frame) == pytest.approx(flat[name].per_item)
        assert [len(frames) for frames in found[name].per_frame] == [FRAMES, FRAMES]


def test_an_item_is_judged_over_its_frames_together(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    both = evaluate_images(image, reference, names=NAMES, planes=FRAMES, series=True)
    peak = reference.max()
    second = evaluate_images(image[FRAMES:], reference[FRAMES:], names=NAMES, planes=FRAMES, data_range=peak)
    for name in NAMES:
        assert len(both[name].per_item) == 2
        assert both[name].per_item[1] == pytest.approx(second[name].value)
    assert both["psnr"].per_item[1] != pytest.approx(np.mean(both["psnr"].per_frame[1]), abs=1e-3)


def test_volumes_have_numbers_per_item_and_none_per_plane(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found = evaluate_images(*pair, names=NAMES, planes=FRAMES)
    for name in NAMES:
        assert len(found[name].per_item) == 2 and found[name].per_frame == ()
        assert "frame" not in found[name].convention


def test_region_may_differ_from_frame_to_frame(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    region = np.random.default_rng(1).random(image.shape) < 0.5
    found = evaluate_images(image, reference, names=NAMES, region=region, planes=FRAMES, series=True)
    error = ((image - reference) ** 2 * region).sum(axis=(1, 2)) / (reference**2 * region).sum(axis=(1, 2))
    assert np.ravel(found["nmse"].per_frame) == pytest.approx(error)


def test_conventions_speak_of_frames(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found = evaluate_images(*pair, names=NAMES, planes=FRAMES, series=True)
    assert "over all frames" in found["psnr"].convention
    assert "the maximum of the reference series" in found["psnr"].convention
    assert "of each frame, then over frames" in found["ssim"].convention
    assert not any("item" in value.convention for value in found.values())


def test_numbers_of_frames_survive_json(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    image[0] = reference[0]  # an infinite PSNR
    found = evaluate_images(image, reference, names=("psnr",), planes=FRAMES, series=True)["psnr"]
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["per_frame"][0][0] == "inf" and MetricValue.from_json(document) == found


def test_planes_must_divide_the_images(pair: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="planes must divide the 6 images, got 4"):
        evaluate_images(*pair, names=NAMES, planes=4, series=True)

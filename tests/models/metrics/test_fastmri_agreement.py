"""Agreement with fastMRI's definitions and with a LoG kernel, written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from scipy.signal import convolve2d

from proxflow.models.metrics.evaluate import evaluate_images


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth complex volume (3, 41, 30) and a noisy copy: (image, reference)."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((2, 3, 41, 30)) + 1j * rng.standard_normal((2, 3, 41, 30))
    reference = 1e-3 * uniform_filter(noise[0].real, (0, 5, 5)) * np.exp(1j * np.linspace(0, 2, 30))
    reference *= np.array([1.0, 2.0, 0.5])[:, None, None]  # items of unlike range
    return reference + 5e-5 * noise[1], reference


def ssim_by_hand(x: np.ndarray, y: np.ndarray, data_range: float) -> float:
    """Wang et al. (2004) with a 7 x 7 uniform window and sample covariances; the borders cut."""
    unbiased = 49 / 48
    mean_x, mean_y = uniform_filter(x, 7), uniform_filter(y, 7)
    var_x = unbiased * (uniform_filter(x * x, 7) - mean_x**2)
    var_y = unbiased * (uniform_filter(y * y, 7) - mean_y**2)
    cov = unbiased * (uniform_filter(x * y, 7) - mean_x * mean_y)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * cov + c2)
    bottom = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float((top / bottom)[3:-3, 3:-3].mean())


def test_metrics_equal_fastmri_definitions(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, gt = np.abs(pair[0]), np.abs(pair[1])
    expected = {
        "psnr": 10 * np.log10(gt.max() ** 2 / np.mean((gt - x) ** 2)),
        "ssim": np.mean([ssim_by_hand(gt[i], x[i], gt.max()) for i in range(3)]),
        "nmse": np.linalg.norm(gt - x) ** 2 / np.linalg.norm(gt) ** 2,
        "nrmse_complex": np.linalg.norm(pair[0] - pair[1]) / np.linalg.norm(pair[1]),
    }
    values = evaluate_images(*pair, names=tuple(expected))
    for name, number in expected.items():
        assert values[name].value == pytest.approx(number, rel=1e-6), name


def test_items_share_the_range_of_the_volume(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, gt = np.abs(pair[0]), np.abs(pair[1])
    values = evaluate_images(*pair, names=("psnr", "ssim", "nmse"))
    for i in range(3):
        by_hand = 10 * np.log10(gt.max() ** 2 / np.mean((gt[i] - x[i]) ** 2))
        assert values["psnr"].per_item[i] == pytest.approx(by_hand, rel=1e-9)
        assert values["ssim"].per_item[i] == pytest.approx(ssim_by_hand(gt[i], x[i], gt.max()), rel=1e-6)
        ratio = np.sum((gt[i] - x[i]) ** 2) / np.sum(gt[i] ** 2)
        assert values["nmse"].per_item[i] == pytest.approx(ratio, rel=1e-9)


def test_single_precision_agrees_with_double(pair: tuple[np.ndarray, np.ndarray]) -> None:
    names = ("psnr", "ssim", "nmse", "hfen")
    double = evaluate_images(*pair, names=names)
    single = evaluate_images(pair[0].astype(np.complex64), pair[1].astype(np.complex64), names=names)
    for name in names:
        assert single[name].value == pytest.approx(double[name].value, rel=1e-5)


def test_hfen_equals_an_explicit_15_by_15_kernel(pair: tuple[np.ndarray, np.ndarray]) -> None:
    t = np.arange(-7, 8)
    g = np.exp(-(t**2) / (2 * 1.5**2))
    g /= g.sum()
    g2 = g * (t**2 - 1.5**2) / 1.5**4  # the second derivative of the Gaussian, sampled
    kernel = np.outer(g2, g) + np.outer(g, g2)

    def log(item: np.ndarray) -> np.ndarray:
        return convolve2d(np.pad(item, 7, mode="symmetric"), kernel, mode="valid")

    x, gt = np.abs(pair[0]), np.abs(pair[1])
    errors = np.stack([log(a) - log(b) for a, b in zip(gt, x, strict=True)])
    edges = np.stack([log(a) for a in gt])
    value = evaluate_images(*pair, names=("hfen",))["hfen"]
    assert value.value == pytest.approx(np.linalg.norm(errors) / np.linalg.norm(edges), rel=1e-9)
    assert value.per_item[1] == pytest.approx(np.linalg.norm(errors[1]) / np.linalg.norm(edges[1]), rel=1e-9)

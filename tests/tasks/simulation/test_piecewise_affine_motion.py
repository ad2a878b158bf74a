"""The authors' warp: scikit-image's, the identity at rest, small steps, one motion whatever the frames."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from skimage.transform import PiecewiseAffineTransform, warp

from proxflow.tasks.simulation.piecewise_affine_motion import piecewise_affine_motion


@pytest.fixture
def image() -> np.ndarray:
    """Smooth blobs, (y, x) of 32 x 28."""
    y, x = np.mgrid[:32, :28]
    return 0.5 * np.exp(-((y - 18) ** 2 + (x - 15) ** 2) / 40) + 0.3 * np.exp(
        -((y - 10) ** 2 + (x - 9) ** 2) / 9
    )


def test_piecewise_affine_motion_is_scikit_images_warp(image) -> None:
    frames = piecewise_affine_motion(image, 4, amplitude=8.0)
    height, width = image.shape
    rows, columns = np.meshgrid(np.linspace(0, height, 20), np.linspace(0, width, 20))
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    sines = np.sin(np.linspace(0, 3 * np.pi, 400))
    bent = 1.5 * (points[:, 1] - 6.0 * (height / 64) * sines) - 12 * height / 64
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        transform = PiecewiseAffineTransform()
        transform.estimate(points, np.stack([points[:, 0], bent], axis=1))
    np.testing.assert_allclose(frames[3], warp(image, transform), atol=1e-10)


def test_piecewise_affine_motion_without_amplitude_or_squeeze_is_the_identity(image) -> None:
    frames = piecewise_affine_motion(image, 3, amplitude=0.0, squeeze=False)
    np.testing.assert_allclose(frames, np.broadcast_to(image, frames.shape), atol=1e-12)


def test_piecewise_affine_motion_squeezes_to_two_thirds(image) -> None:
    still = piecewise_affine_motion(image, 1, amplitude=5.0)[0]
    assert still.sum() == pytest.approx(image.sum() / 1.5, rel=0.02)


def test_piecewise_affine_motion_moves_in_small_steps(image) -> None:
    frames = piecewise_affine_motion(image, 64, amplitude=6.0)
    assert frames.min() >= 0
    steps = np.abs(np.diff(frames, axis=0)).max(axis=(1, 2))
    assert 0 < steps.max() < 0.06 * image.max()


def test_piecewise_affine_motion_aligns_series_of_other_lengths(image) -> None:
    np.testing.assert_array_equal(piecewise_affine_motion(image, 12)[::3], piecewise_affine_motion(image, 4))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n_frames": 0}, "n_frames must be at least 1, got 0"),
        ({"amplitude": np.nan}, "amplitude must be finite, got nan"),
        ({"image": np.zeros(5)}, "image must be finite"),
    ],
)
def test_piecewise_affine_motion_refuses(image, change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        piecewise_affine_motion(**{"image": image, "n_frames": 4, **change})

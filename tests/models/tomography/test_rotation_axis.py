"""The axis of rotation, from closed-form sinograms and the measured tooth."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from proxflow.data.samples.catalogue import FOLDER
from proxflow.models.tomography.flat_field import minus_log, transmission
from proxflow.models.tomography.opposite_rays import opposite_ray_disagreement
from proxflow.models.tomography.rotation_axis import find_axis_column

Discs = Callable[..., NDArray[np.float64]]
HALF_TURN = np.arange(120) * np.pi / 120
TURN = np.arange(180) * 2 * np.pi / 180


@pytest.mark.parametrize("angles", [HALF_TURN, np.linspace(0, np.pi, 121), TURN, TURN[::-1]])
@pytest.mark.parametrize("axis", [54.0, 61.3, 47.85])
def test_parallel_axis(discs: Discs, angles: NDArray[np.float64], axis: float) -> None:
    assert find_axis_column(discs(angles, 110, axis), angles) == pytest.approx(axis, abs=0.15)


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("axis", [61.2, 70.0])
def test_fan_axis(discs: Discs, axis: float, curved: bool) -> None:
    angles = np.arange(360) * 2 * np.pi / 360
    sinogram = discs(angles, 130, axis, distances=(180.0, 260.0), curved=curved)
    found = find_axis_column(sinogram, angles, source_detector_columns=260.0, curved=curved)
    assert found == pytest.approx(axis, abs=0.15)


def test_opposite_rays_of_the_right_axis_agree(discs: Discs) -> None:
    right = discs(TURN, 110, 54.5)
    assert opposite_ray_disagreement(right, TURN, 109) < 1e-12
    assert opposite_ray_disagreement(right, TURN, 115) > 1e-3
    angles = np.arange(720) * 2 * np.pi / 720
    fan = discs(angles, 130, 61.0, distances=(180.0, 260.0))
    same, turned = (
        opposite_ray_disagreement(views, angles, 122, source_detector_columns=260.0)
        for views in (fan, fan[::-1])
    )
    assert same < 1e-3 * turned  # and the sense of rotation shows


def test_axis_survives_order_noise_and_width(discs: Discs) -> None:
    random = np.random.default_rng(4)
    wide = discs(HALF_TURN, 900, 431.7)
    order = random.permutation(len(HALF_TURN))
    assert find_axis_column(wide[order], HALF_TURN[order]) == pytest.approx(431.7, abs=0.2)
    sinogram = discs(TURN, 110, 58.2)
    noisy = sinogram + random.normal(0, 0.1 * sinogram.max(), sinogram.shape)
    assert find_axis_column(noisy, TURN) == pytest.approx(58.2, abs=0.5)


def test_vo_finds_the_axis_near_the_centre(discs: Discs) -> None:
    sinogram = discs(HALF_TURN, 110, 56.5)
    assert find_axis_column(sinogram, HALF_TURN, method="vo") == pytest.approx(56.5, abs=0.5)


def test_vo_at_the_end_of_its_range_is_no_result(discs: Discs, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_the_end(*_: object, **__: object) -> float:
        warnings.warn("Global minimum is out of the searching range.", stacklevel=1)
        return 49.0

    monkeypatch.setattr("algotom.prep.calculation.find_center_vo", at_the_end)
    with pytest.raises(ValueError, match="the axis of rotation must lie within 6 columns of column 55"):
        find_axis_column(discs(HALF_TURN, 110, 56.5), HALF_TURN, method="vo")


def test_axis_of_the_tooth_is_near_column_296() -> None:
    with h5py.File(FOLDER / "tooth-parallel.h5") as file:
        data = [file[f"exchange/{name}"][:, 0] for name in ("data", "data_dark", "data_white")]
        angles = np.deg2rad(file["exchange/theta"][:])
    sinogram = minus_log(transmission(*data)[0])[0]
    assert find_axis_column(sinogram, angles) == pytest.approx(295.9, abs=0.2)
    assert find_axis_column(sinogram[:, 100:], angles) == pytest.approx(195.9, abs=0.2)
    assert find_axis_column(sinogram[::3], angles[::3]) == pytest.approx(295.9, abs=0.3)


def test_scans_that_do_not_settle_the_axis(discs: Discs) -> None:
    short = HALF_TURN[:100]
    with pytest.raises(ValueError, match="angles_rad must cover half a turn"):
        find_axis_column(discs(short, 110, 54.0), short)
    with pytest.raises(ValueError, match="angles_rad must cover half a turn for the method vo, got 148"):
        find_axis_column(discs(short, 110, 54.0), short, method="vo")
    noise = np.random.default_rng(0).normal(size=(120, 110))
    with pytest.raises(ValueError, match="the axis of rotation must stand out"):
        find_axis_column(noise, HALF_TURN)
    with pytest.raises(ValueError, match="must be opposite-rays for a fan, got vo"):
        find_axis_column(noise, HALF_TURN, source_detector_columns=300.0, method="vo")
    with pytest.raises(ValueError, match=r"sinogram must be \(angle, column\) with 120 angles"):
        find_axis_column(noise.T, HALF_TURN)
    with pytest.raises(ValueError, match="at least 3 angles and 8 columns"):
        find_axis_column(noise[:, :4], HALF_TURN)
    with pytest.raises(ValueError, match="sinogram must be finite"):
        find_axis_column(noise * np.nan, HALF_TURN)

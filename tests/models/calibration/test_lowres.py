"""Low-resolution maps: smooth sensitivities are found, the windowed block alone counts."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.calibration.lowres import lowres_maps


def test_maps_are_close_to_the_true_sensitivities(scene) -> None:  # type: ignore[no-untyped-def]
    maps = lowres_maps(scene.kspace, acs_shape=(24, 24))
    inside = scene.object & (maps.abs().sum(0) > 0)
    assert inside.sum() > 0.97 * scene.object.sum()
    assert (maps - scene.maps).abs().amax(0)[inside].median() < 0.05


def test_maps_are_normalised_and_referred_to_the_first_coil(scene) -> None:  # type: ignore[no-untyped-def]
    maps = lowres_maps(scene.kspace.to(torch.complex64), acs_shape=(16, 20))
    assert maps.dtype == torch.complex64
    power = maps.abs().square().sum(0)
    torch.testing.assert_close(power, (power > 0.5).float(), rtol=0, atol=1e-5)
    assert not power[0, 0]
    assert maps[0].imag.abs().max() < 1e-6


def test_bad_calibration_data_are_refused(scene) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="must hold signal, got 8 x 8 zeros"):
        lowres_maps(torch.zeros_like(scene.kspace), acs_shape=(8, 8))
    with pytest.raises(ValueError, match="must be finite"):
        lowres_maps(torch.full_like(scene.kspace, float("nan")), acs_shape=(8, 8))
    with pytest.raises(ValueError, match="acs_shape must lie between"):
        lowres_maps(scene.kspace, acs_shape=(8, 80))

"""Whitened noise has identity covariance; the border of k-space and the image's corners give its level."""

from __future__ import annotations

import math

import pytest
import torch

from proxflow.data.open_scan import open_scan
from proxflow.models.calibration.coil_compression import apply_coil_matrix
from proxflow.models.calibration.whitening import (
    noise_covariance,
    noise_std_from_border,
    noise_std_from_corners,
    whitening_matrix,
)
from proxflow.operators.fourier import fft2c


def correlated_noise(n_samples: int, rng: torch.Generator) -> torch.Tensor:
    white = torch.randn(5, n_samples, dtype=torch.complex128, generator=rng)
    mixing = torch.randn(5, 5, dtype=torch.complex128, generator=rng) + 2 * torch.eye(5)
    return 3e-7 * mixing @ white


def test_whitened_noise_has_identity_covariance(rng: torch.Generator) -> None:
    noise = correlated_noise(4000, rng)
    matrix = whitening_matrix(noise_covariance(noise))
    whitened = matrix @ noise
    torch.testing.assert_close(noise_covariance(whitened), torch.eye(5, dtype=torch.complex128))


def test_whitening_holds_for_noise_it_has_not_seen(rng: torch.Generator) -> None:
    noise = correlated_noise(90000, rng)
    matrix = whitening_matrix(noise_covariance(noise[:, :50000]).to(torch.complex64))
    whitened = apply_coil_matrix(matrix, noise[:, 50000:].reshape(5, 200, 200))
    covariance = noise_covariance(whitened.flatten(1))
    torch.testing.assert_close(covariance, torch.eye(5, dtype=torch.complex128), rtol=0, atol=0.03)
    assert whitened.real.var().item() == pytest.approx(0.5, rel=0.02)  # by the convention E[n n^H] = 1
    assert whitened.imag.var().item() == pytest.approx(0.5, rel=0.02)


def test_bad_noise_and_covariances_are_refused(rng: torch.Generator) -> None:
    with pytest.raises(ValueError, match="at least as many samples as coils"):
        noise_covariance(torch.ones(4, 3, dtype=torch.complex64))
    with pytest.raises(ValueError, match="must be finite"):
        noise_covariance(torch.full((2, 9), float("nan"), dtype=torch.complex64))
    noise = correlated_noise(500, rng)
    noise[2] = 0
    with pytest.raises(ValueError, match="must be positive definite, got smallest eigenvalue"):
        whitening_matrix(noise_covariance(noise))
    with pytest.raises(ValueError, match="must be Hermitian"):
        whitening_matrix(torch.tensor([[1, 2j], [2j, 5]]))
    with pytest.raises(ValueError, match="must have axes"):
        whitening_matrix(torch.ones(2, 3, dtype=torch.complex64))


def noisy(scene, std: torch.Tensor, rng: torch.Generator) -> torch.Tensor:  # type: ignore[no-untyped-def]
    noise = torch.randn(2, *scene.kspace.shape, dtype=torch.complex128, generator=rng)
    return scene.kspace + std[:, None, None] * noise


def test_border_gives_the_std_of_each_coil(scene, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    std = torch.tensor([0.5, 1.0, 2.0, 1.0, 0.7], dtype=torch.float64)
    found = noise_std_from_border(noisy(scene, std, rng))
    torch.testing.assert_close(found, std, rtol=0.1, atol=0)  # 864 samples a coil: 4 % each


def test_median_of_rayleigh_noise_is_unbiased(rng: torch.Generator) -> None:
    """std = median|n| / sqrt(ln 2): within three standard errors on 10^6 samples."""
    noise = 0.3 * torch.randn(1, 1000, 1000, dtype=torch.complex128, generator=rng)
    assert noise_std_from_border(noise, fraction=1.0).item() == pytest.approx(0.3, rel=3e-3)
    assert noise.abs().square().mean().sqrt().item() == pytest.approx(0.3, rel=3e-3)


@pytest.mark.parametrize("give_mask", [True, False])
def test_unsampled_entries_do_not_count(scene, rng: torch.Generator, give_mask: bool) -> None:  # type: ignore[no-untyped-def]
    std = torch.ones(5, dtype=torch.float64)
    mask = torch.rand(scene.kspace.shape[-2:], generator=rng) < 0.3
    mask[:, :8] = mask[:, -8:] = False
    kspace = mask * noisy(scene, std, rng)
    found = noise_std_from_border(kspace, mask=mask if give_mask else None)
    torch.testing.assert_close(found, std, rtol=0.2, atol=0)


def test_few_outliers_do_not_move_the_median(scene, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    kspace = noisy(scene, torch.ones(5, dtype=torch.float64), rng)
    clean = noise_std_from_border(kspace)
    kspace[..., 1:3, 1:4] = 1e6
    assert math.isclose(noise_std_from_border(kspace).max(), clean.max(), rel_tol=0.05)


def test_border_refuses_what_cannot_give_an_estimate() -> None:
    kspace = torch.ones(2, 12, 12, dtype=torch.complex64)
    with pytest.raises(ValueError, match="must hold at least 16 samples, got 14"):
        noise_std_from_border(kspace)
    with pytest.raises(ValueError, match=r"fraction must lie in \(0, 1\], got 0"):
        noise_std_from_border(kspace, fraction=0)
    with pytest.raises(ValueError, match="mask must have axes"):
        noise_std_from_border(kspace, mask=torch.ones(12, 10, dtype=torch.bool))
    with pytest.raises(ValueError, match="kspace must be complex"):
        noise_std_from_border(kspace.real)


def test_corners_give_the_std_of_each_coil(scene, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    std = torch.tensor([0.5, 1.0, 2.0, 1.0, 0.7], dtype=torch.float64)
    larger = torch.nn.functional.pad(scene.coil_images, (42, 42, 36, 36))  # 144 x 144, empty corners
    noise = torch.randn(5, 144, 144, dtype=torch.complex128, generator=rng)
    found = noise_std_from_corners(fft2c(larger) + std[:, None, None] * noise)
    torch.testing.assert_close(found, std, rtol=0.05, atol=0)  # 324 pixels a corner: about 3 % each


def test_corners_refuse_signal_in_one_of_them(rng: torch.Generator) -> None:
    image = torch.randn(2, 64, 48, dtype=torch.complex128, generator=rng)
    noise_std_from_corners(fft2c(image))
    image[1, :8, 40:] += 1
    with pytest.raises(ValueError, match=r"must agree within a factor of 1\.25, got 1\."):
        noise_std_from_corners(fft2c(image))
    with pytest.raises(ValueError, match="at least 16 pixels, got 2 x 6"):
        noise_std_from_corners(torch.ones(1, 20, 50, dtype=torch.complex64))


def test_corners_of_the_shipped_brain_recover_added_noise_where_the_border_does_not() -> None:
    with open_scan("sample://brain-13coil") as scan:
        kspace = torch.from_numpy(scan.read([0]).samples[0])
    own = noise_std_from_corners(kspace)
    assert 1.2 < (noise_std_from_border(kspace).norm() / own.norm()).item() < 1.4
    added = own.norm().item() / math.sqrt(len(own))
    noise = torch.randn(kspace.shape, dtype=kspace.dtype, generator=torch.Generator().manual_seed(0))
    expected = (own.square() + added**2).sum().sqrt().item()
    noisier = kspace + added * noise
    assert noise_std_from_corners(noisier).norm().item() == pytest.approx(expected, rel=0.03)
    assert noise_std_from_border(noisier).norm().item() > 1.1 * expected

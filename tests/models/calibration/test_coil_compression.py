"""Coil compression keeps the leading components, exactly where the coils are linearly dependent."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.calibration.coil_compression import apply_coil_matrix, compression_matrix


def test_dependent_coils_compress_without_loss(rng: torch.Generator) -> None:
    sources = torch.randn(3, 14, 11, dtype=torch.complex128, generator=rng)
    mixing = torch.randn(8, 3, dtype=torch.complex128, generator=rng)
    kspace = apply_coil_matrix(mixing, sources)
    matrix, fraction = compression_matrix(kspace, 3)
    assert fraction == pytest.approx(1, abs=1e-14)
    torch.testing.assert_close(apply_coil_matrix(matrix.mH @ matrix, kspace), kspace)


def test_rows_are_orthonormal_and_energies_those_of_the_svd(rng: torch.Generator) -> None:
    kspace = torch.randn(6, 9, 10, dtype=torch.complex128, generator=rng)
    kspace *= torch.arange(1, 7)[:, None, None]
    matrix, fraction = compression_matrix(kspace, 4)
    torch.testing.assert_close(matrix @ matrix.mH, torch.eye(4, dtype=torch.complex128))
    squares = torch.linalg.svdvals(kspace.flatten(1)).square()
    energies = apply_coil_matrix(matrix, kspace).abs().square().sum((-2, -1))
    torch.testing.assert_close(energies, squares[:4])
    assert fraction == pytest.approx((squares[:4].sum() / squares.sum()).item())


def test_rows_have_a_fixed_phase(rng: torch.Generator) -> None:
    kspace = torch.randn(5, 40, dtype=torch.complex64, generator=rng)
    matrix, _ = compression_matrix(kspace, 5)
    largest = matrix.take_along_dim(matrix.abs().argmax(1, keepdim=True), dim=1)
    assert matrix.dtype == torch.complex64
    assert largest.imag.abs().max() < 1e-6
    assert largest.real.min() > 0
    turned, _ = compression_matrix(1j * kspace, 5)
    torch.testing.assert_close(turned, matrix, rtol=0, atol=1e-4)


def test_matrix_applies_over_batch_axes(rng: torch.Generator) -> None:
    matrix = torch.randn(2, 3, dtype=torch.complex128, generator=rng)
    kspace = torch.randn(4, 5, 3, 6, 7, dtype=torch.complex128, generator=rng)
    mixed = apply_coil_matrix(matrix, kspace)
    torch.testing.assert_close(mixed, torch.einsum("vc,abcyx->abvyx", matrix, kspace))


def test_bad_arguments_are_refused(rng: torch.Generator) -> None:
    kspace = torch.randn(4, 6, 6, dtype=torch.complex64, generator=rng)
    for n_coils in (0, 5):
        with pytest.raises(ValueError, match=f"n_coils must lie between 1 and 4, got {n_coils}"):
            compression_matrix(kspace, n_coils)
    for value in (0.0, float("nan")):
        with pytest.raises(ValueError, match="must hold finite, non-zero samples"):
            compression_matrix(torch.full_like(kspace, value), 2)
    with pytest.raises(ValueError, match=r"with 3 coils, got shape \(4, 6, 6\)"):
        apply_coil_matrix(torch.ones(2, 3, dtype=torch.complex64), kspace)

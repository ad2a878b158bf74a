"""Repeated squaring finds what eigh finds."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.calibration.dominant_eigenvector import dominant_eigenvector


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.complex128, 1e-9), (torch.complex64, 1e-4), (torch.float64, 1e-9)]
)
def test_vectors_and_values_agree_with_eigh(
    dtype: torch.dtype, tolerance: float, rng: torch.Generator
) -> None:
    root = torch.randn(300, 6, 6, dtype=dtype, generator=rng)
    matrices = root @ root.mH
    values, vectors = torch.linalg.eigh(matrices)
    found, eigenvalue = dominant_eigenvector(matrices)
    torch.testing.assert_close(eigenvalue, values[:, -1], rtol=tolerance, atol=0)
    overlap = (vectors[..., -1].conj() * found).sum(-1).abs()
    torch.testing.assert_close(overlap, torch.ones_like(overlap), rtol=0, atol=tolerance)


def test_close_eigenvalues_converge() -> None:
    """Ratio 0.99, which plain power iteration needs 1800 steps for, and a start of ones orthogonal to v."""
    basis = torch.linalg.qr(torch.tensor([[1.0, 1, 0], [-1, 1, 1], [0, 1, 3]], dtype=torch.float64)).Q
    matrix = basis @ torch.diag(torch.tensor([1.0, 0.99, 0.1], dtype=torch.float64)) @ basis.T
    vector, value = dominant_eigenvector(matrix[None])
    assert value.item() == pytest.approx(1, abs=1e-12)
    assert abs(vector[0] @ basis[:, 0]).item() == pytest.approx(1, abs=1e-12)


def test_equal_eigenvalues_and_zeros_give_finite_results() -> None:
    matrices = torch.stack([torch.eye(4, dtype=torch.complex128), torch.zeros(4, 4, dtype=torch.complex128)])
    vectors, values = dominant_eigenvector(matrices)
    assert values.tolist() == pytest.approx([1, 0])
    assert torch.linalg.vector_norm(vectors, dim=1).tolist() == pytest.approx([1, 0])

import pytest
import torch

from proxflow.operators.adjoint_test import adjoint_error, assert_adjoint
from proxflow.operators.base import LinearOperator


class Matrix(LinearOperator):
    """y = M x, with an adjoint given apart."""

    def __init__(self, matrix, adjoint):
        super().__init__()
        self.matrix, self.adjoint_matrix = matrix, adjoint
        self.range_shape, self.domain_shape = (matrix.shape[0],), (matrix.shape[1],)

    def forward(self, x):
        return x @ self.matrix.mT

    def adjoint(self, y):
        return y @ self.adjoint_matrix.mT


def matrix(rng):
    return torch.randn(4, 3, generator=rng, dtype=torch.complex128)


def test_a_right_adjoint_passes_and_a_transpose_does_not(rng):
    M = matrix(rng)
    assert adjoint_error(Matrix(M, M.mH), rng, batch=(5,)) < 1e-15
    assert_adjoint(Matrix(M, M.mH), rng)
    with pytest.raises(AssertionError, match=r"adjoint error of Matrix in torch.complex128 must be at most"):
        assert_adjoint(Matrix(M, M.mT), rng)
    assert_adjoint(Matrix(M, M.mT), rng, tolerance=10.0)


def test_a_zero_operator_needs_a_zero_adjoint(rng):
    M = matrix(rng)
    assert adjoint_error(Matrix(0 * M, 0 * M.mH), rng) == 0.0
    assert adjoint_error(Matrix(0 * M, M.mH), rng) == float("inf")


def test_not_a_number_fails(rng):
    M = matrix(rng)
    with pytest.raises(AssertionError):
        assert_adjoint(Matrix(M * float("nan"), M.mH), rng)


def test_wrong_shape_is_named(rng):
    M = matrix(rng)
    with pytest.raises(ValueError, match=r"adjoint\(y\) must be torch.complex128 of shape \(3,\)"):
        adjoint_error(Matrix(M, M.mH[:2]), rng)

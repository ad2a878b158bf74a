import pytest
import torch

from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.operator_norm import operator_norm


def test_equals_the_dense_norm(rng):
    shape = (6, 5)
    maps = torch.randn(2, *shape, generator=rng, dtype=torch.complex128)
    A = CartesianSense(torch.rand(shape, generator=rng) < 0.5, maps)
    dense = A.forward(torch.eye(30, dtype=torch.complex128).reshape(30, *shape)).reshape(30, -1)
    expected = float(torch.linalg.matrix_norm(dense, 2))
    assert operator_norm(A, n_iter=2000, tol=1e-12, dtype=torch.complex128) == pytest.approx(
        expected, rel=1e-6
    )
    estimate = operator_norm(A)
    assert 0.9 * expected < estimate <= expected * (1 + 1e-6)
    assert operator_norm(3j * A) == pytest.approx(3 * estimate, rel=1e-4)


def test_of_the_zero_operator_and_without_iterations():
    A = CartesianSense(torch.zeros(4, 4, dtype=torch.bool), torch.ones(1, 4, 4) + 0j)
    assert operator_norm(A) == 0.0
    with pytest.raises(ValueError, match="n_iter must be at least 1, got 0"):
        operator_norm(A, n_iter=0)

import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.finite_difference import FiniteDifference
from proxflow.operators.operator_norm import operator_norm


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
@pytest.mark.parametrize("shape", [(6, 6), (7, 4), (5, 9), (1, 3), (4, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(boundary, shape, dtype, batch, rng):
    assert_adjoint(FiniteDifference(shape, boundary), rng, dtype=dtype, batch=batch)


def test_values():
    x = torch.tensor([[1.0, 2.0, 4.0], [3.0, 7.0, 0.0]])
    neumann = torch.tensor([[[2, 5, -4], [0, 0, 0]], [[1, 2, 0], [4, -7, 0]]], dtype=torch.float32)
    periodic = torch.tensor([[[2, 5, -4], [-2, -5, 4]], [[1, 2, -3], [4, -7, 3]]], dtype=torch.float32)
    assert torch.equal(FiniteDifference((2, 3)).forward(x), neumann)
    assert torch.equal(FiniteDifference((2, 3), "periodic").forward(x), periodic)


def test_gradient_is_the_adjoint(rng):
    D = FiniteDifference((4, 5))
    x = torch.randn(4, 5, generator=rng, dtype=torch.complex128, requires_grad=True)
    y = torch.randn(2, 4, 5, generator=rng, dtype=torch.complex128)
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(D.forward(x) * y.conj())), x)
    assert torch.allclose(gradient, D.adjoint(y))
    assert torch.autograd.gradcheck(D.forward, x)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_squared_norm_is_at_most_eight(boundary):
    norm = operator_norm(FiniteDifference((16, 16), boundary), n_iter=200, dtype=torch.float64, tol=1e-8)
    assert 7.5 < norm**2 <= 8 + 1e-9


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"boundary must be one of \('neumann', 'periodic'\), got 'zero'"):
        FiniteDifference((3, 3), "zero")
    with pytest.raises(ValueError, match=r"shape must be two positive sizes \(ny, nx\), got \(0, 3\)"):
        FiniteDifference((0, 3))

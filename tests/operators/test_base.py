import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes, stack
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.diagonal import Diagonal
from proxflow.operators.finite_difference import FiniteDifference
from proxflow.operators.wavelet import Wavelet

SHAPE = (7, 10)


def sense(rng, dtype):
    maps = torch.randn(2, *SHAPE, generator=rng, dtype=dtype)
    return CartesianSense(torch.rand(SHAPE, generator=rng) < 0.5, maps)


def algebra(rng, dtype):
    A, B, D, W = sense(rng, dtype), sense(rng, dtype), FiniteDifference(SHAPE), Wavelet(SHAPE, levels=2)
    return {
        "H": A.H,
        "H of H": A.H.H,
        "composition": A @ W.H,
        "diagonal": A @ Diagonal(B.coil_maps[0]),
        "three": D @ W.H @ A.H,
        "sum": A + B,
        "scaled": (2 - 3j) * A,
        "scaled right": A * 2.5,
        "negated": -A,
        "stack": stack([A, D, W]),
        "all": (1j * stack([A + (-B), D]).H) @ stack([B, D]),
    }


NAMES = list(algebra(torch.Generator(), torch.complex64))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint_of_the_algebra(name, dtype, batch, rng):
    assert_adjoint(algebra(rng, dtype)[name], rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("name", NAMES)
def test_normal_and_autograd_of_the_algebra(name, rng):
    A = algebra(rng, torch.complex128)[name]
    x = torch.randn(2, *A.domain_shape, generator=rng, dtype=torch.complex128, requires_grad=True)
    y = torch.randn(2, *A.range_shape, generator=rng, dtype=torch.complex128)
    assert torch.allclose(A.normal(x), A.adjoint(A.forward(x)), atol=1e-11)
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(A.forward(x) * y.conj())), x)
    assert torch.allclose(gradient, A.adjoint(y), atol=1e-11)


def test_values_of_the_algebra(rng):
    A, B = sense(rng, torch.complex128), sense(rng, torch.complex128)
    x = torch.randn(SHAPE, generator=rng, dtype=torch.complex128)
    assert torch.equal((A + B).forward(x), A.forward(x) + B.forward(x))
    assert torch.equal((2j * A).forward(x), 2j * A.forward(x))
    assert torch.equal((A.H @ B).forward(x), A.adjoint(B.forward(x)))
    assert torch.equal(stack([A, B]).forward(x), torch.cat([A.forward(x).flatten(), B.forward(x).flatten()]))


def test_mismatched_operators_are_refused(rng):
    A, D = sense(rng, torch.complex64), FiniteDifference(SHAPE)
    with pytest.raises(ValueError, match="inner range must be"):
        A @ D
    with pytest.raises(ValueError, match="summands must share domain and range"):
        A + D.H
    with pytest.raises(ValueError, match="operators must be one or more with one domain"):
        stack([A, A.H])
    with pytest.raises(ValueError, match="operators must be one or more"):
        stack([])


def test_an_operator_without_maps_says_so():
    for method in ("forward", "adjoint"):
        with pytest.raises(TypeError, match=f"LinearOperator must define {method}"):
            getattr(LinearOperator(), method)(torch.ones(1))


def test_trailing_axes_of_too_short_an_array():
    with pytest.raises(ValueError, match=r"x must end in axes \(2, 3\), got shape \(3,\)"):
        check_trailing_axes("x", torch.ones(3), (2, 3))


def test_apply_linear_takes_its_gradient_from_the_given_adjoint(rng):
    x = torch.randn(4, generator=rng, dtype=torch.complex128, requires_grad=True)
    matrix = torch.randn(3, 4, generator=rng, dtype=torch.complex128)
    assert torch.autograd.gradcheck(
        lambda x: apply_linear(x, lambda v: matrix @ v, lambda v: matrix.mH @ v), x
    )

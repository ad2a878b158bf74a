import pytest
import torch
from torch import Tensor

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.per_frame import PerFrame

ORDERS = {"distinct": [0, 1, 2], "one": [0, 0, 0, 0], "mixed": [1, 0, 1, 2, 0, 1], "single": [0]}


class Counted(MatrixOperator):
    """Remembers how many frames each application had."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(matrix, (4, 3), (5,))
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(x.shape[-3])
        return super().forward(x)


def operators(rng: torch.Generator, dtype: torch.dtype = torch.complex128) -> list[Counted]:
    return [Counted(torch.randn(5, 12, dtype=dtype, generator=rng)) for _ in range(3)]


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(order: list[int], dtype: torch.dtype, batch: tuple[int, ...], rng: torch.Generator) -> None:
    parts = operators(rng, dtype)
    assert_adjoint(PerFrame([parts[i] for i in order]), rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_every_frame_meets_its_own_operator(order: list[int], rng: torch.Generator) -> None:
    parts = operators(rng)
    operator = PerFrame([parts[i] for i in order])
    x = torch.randn(2, *operator.domain_shape, dtype=torch.complex128, generator=rng, requires_grad=True)
    y = torch.randn(2, *operator.range_shape, dtype=torch.complex128, generator=rng)
    image = operator.forward(x)
    for t, i in enumerate(order):
        torch.testing.assert_close(image[:, t], parts[i].forward(x[:, t]))
        torch.testing.assert_close(operator.adjoint(y)[:, t], parts[i].adjoint(y[:, t]))
    torch.testing.assert_close(operator.normal(x), operator.adjoint(image))
    (gradient,) = torch.autograd.grad((image * y.conj()).sum().real, x)
    torch.testing.assert_close(gradient, operator.adjoint(y))


def test_frames_of_one_operator_are_one_batch(rng: torch.Generator) -> None:
    first, second, _ = operators(rng)
    operator = PerFrame([second, first, second, second])
    operator.forward(torch.zeros(operator.domain_shape, dtype=torch.complex128))
    assert (first.sizes, second.sizes) == ([1], [3])


def test_support_is_that_of_each_frame(rng: torch.Generator) -> None:
    maps = torch.ones(2, 4, 3, dtype=torch.complex64)
    maps[:, 2] = 0
    whole, part = (CartesianSense(torch.ones(4, 3, dtype=torch.bool), m) for m in (maps, 0 * maps))
    support = PerFrame([part, whole, part]).support
    assert support is not None and support.shape == (3, 4, 3)
    assert not support[0].any() and torch.equal(support[1], maps[0] != 0) and not support[2].any()
    assert PerFrame(operators(rng)).support is None


def test_refuses(rng: torch.Generator) -> None:
    mixed: list[LinearOperator] = [MatrixOperator(torch.zeros(5, n), (n,), (5,)) for n in (3, 4)]
    with pytest.raises(ValueError, match="operators must be one or more with one domain and one range"):
        PerFrame(mixed)
    with pytest.raises(ValueError, match="operators must be one or more"):
        PerFrame([])
    with pytest.raises(ValueError, match=r"x must end in axes \(3, 4, 3\)"):
        PerFrame(operators(rng)).forward(torch.zeros(2, 4, 3))
    with pytest.raises(ValueError, match=r"y must end in axes \(3, 5\)"):
        PerFrame(operators(rng)).adjoint(torch.zeros(2, 5))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_on_cuda_it_is_as_on_the_cpu(order: list[int], rng: torch.Generator) -> None:
    parts = operators(rng)
    operator = PerFrame([parts[i] for i in order])
    x = torch.randn(2, *operator.domain_shape, dtype=torch.complex128, generator=rng)
    expected = operator.forward(x)
    assert_adjoint(operator.cuda(), rng, device="cuda")
    torch.testing.assert_close(operator.forward(x.cuda()).cpu(), expected)

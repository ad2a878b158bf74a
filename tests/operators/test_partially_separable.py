import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator, to_matrix
from proxflow.operators.partially_separable import PartiallySeparable

RANK, DOMAIN, RANGE = 2, (4, 3), (5,)
# operator of each frame: each its own, one for all, and both ways of summation in one series
ORDERS = {"distinct": [0, 1, 2, 3], "one": [0] * 5, "mixed": [1, 0, 1, 2, 0, 1, 1, 3]}
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]
SMALL = 1  # bytes: one frame at a time
every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
every_memory = pytest.mark.parametrize("memory", [SMALL, 3 * 17 * 16, 2**28])


class Counted(MatrixOperator):
    """Counts the images it is applied to, in either direction."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(matrix, DOMAIN, RANGE)
        self.n_applied = 0

    def forward(self, x: Tensor) -> Tensor:
        self.n_applied += math.prod(x.shape[:-2])
        return super().forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        self.n_applied += math.prod(y.shape[:-1])
        return super().adjoint(y)


def make(
    order: list[int], memory: int, rng: torch.Generator, dtype: torch.dtype = torch.complex128
) -> tuple[PartiallySeparable, list[Counted]]:
    parts = [Counted(torch.randn(5, 12, dtype=dtype, generator=rng)) for _ in range(4)]
    basis = torch.randn(len(order), RANK, dtype=dtype, generator=rng)
    return PartiallySeparable([parts[i] for i in order], basis, memory_bytes=memory), parts


@every_order
@every_memory
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(
    order: list[int], memory: int, dtype: torch.dtype, batch: tuple[int, ...], rng: torch.Generator
) -> None:
    operator, _ = make(order, memory, rng, dtype)
    assert_adjoint(operator, rng, dtype=dtype, batch=batch)
    factors = torch.randn(operator.domain_shape, dtype=dtype, generator=rng)
    assert_adjoint(operator.as_function_of_basis(factors), rng, dtype=dtype, batch=batch)


@every_order
@every_memory
def test_values_are_those_of_the_explicit_frames(order: list[int], memory: int, rng: torch.Generator) -> None:
    operator, parts = make(order, memory, rng)
    x = torch.randn(3, *operator.domain_shape, dtype=torch.complex128, generator=rng)
    frames = torch.einsum("tr,brij->btij", operator.temporal_basis, x)
    expected = torch.stack([parts[i].forward(frames[:, t]) for t, i in enumerate(order)], dim=1)
    torch.testing.assert_close(operator.forward(x), expected)
    torch.testing.assert_close(operator.normal(x), operator.adjoint(expected))
    torch.testing.assert_close(operator.frames(x, [2, 0]), frames[:, [2, 0]])
    of_basis = operator.as_function_of_basis(x[1])
    torch.testing.assert_close(of_basis.forward(operator.temporal_basis), expected[1])
    twice = torch.stack([operator.temporal_basis, 2j * operator.temporal_basis])
    torch.testing.assert_close(of_basis.forward(twice)[1], 2j * expected[1])


@every_order
@every_memory
def test_one_backward_pass_gives_both_gradients(order: list[int], memory: int, rng: torch.Generator) -> None:
    """Those of 1/2 ||y(Lambda, Psi) - g||^2: A^H r for Lambda, and the basis operator's adjoint for Psi."""
    operator, parts = make(order, memory, rng, torch.float64)
    x = torch.randn(operator.domain_shape, dtype=torch.float64, generator=rng, requires_grad=True)
    basis = operator.temporal_basis.clone().requires_grad_()
    bilinear = PartiallySeparable([parts[i] for i in order], basis, memory_bytes=memory)
    target = torch.randn(operator.range_shape, dtype=torch.float64, generator=rng)
    residual = bilinear.forward(x) - target
    of_factors, of_basis = torch.autograd.grad(0.5 * residual.square().sum(), [x, basis])
    residual = residual.detach()
    torch.testing.assert_close(of_factors, operator.adjoint(residual))
    torch.testing.assert_close(of_basis, operator.as_function_of_basis(x.detach()).adjoint(residual))


def test_real_basis_applies_to_complex_factors(rng: torch.Generator) -> None:
    operator, parts = make(ORDERS["mixed"], SMALL, rng)
    real = PartiallySeparable([parts[i] for i in ORDERS["mixed"]], operator.temporal_basis.real)
    assert_adjoint(real, rng)
    with pytest.raises(ValueError, match="x must be complex for a complex temporal_basis"):
        operator.forward(torch.zeros(operator.domain_shape, dtype=torch.float64))


@every_order
def test_the_cheaper_order_of_summation_is_taken(order: list[int], rng: torch.Generator) -> None:
    operator, parts = make(order, SMALL, rng)
    expected = [min(order.count(i), RANK) for i in range(4)]
    operator.forward(torch.zeros(operator.domain_shape, dtype=torch.complex128))
    assert [part.n_applied for part in parts] == expected
    operator.adjoint(torch.zeros(operator.range_shape, dtype=torch.complex128))
    assert [part.n_applied for part in parts] == [2 * n for n in expected]


def test_responses_are_held_where_they_fit(rng: torch.Generator) -> None:
    factors = torch.randn(RANK, *DOMAIN, dtype=torch.complex128, generator=rng)
    n_bytes = 4 * RANK * 5 * 16
    for memory, at_start, later in ((n_bytes, 4 * RANK, 4 * RANK), (n_bytes - 1, 0, 8)):
        operator, parts = make(ORDERS["mixed"], memory, rng)
        of_basis = operator.as_function_of_basis(factors)
        assert sum(part.n_applied for part in parts) == at_start
        of_basis.forward(operator.temporal_basis)
        assert sum(part.n_applied for part in parts) == later


class Views(LinearOperator):
    """Sums over rows, one number of each column: its range is small beside its domain."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.domain_shape, self.range_shape = (n, n), (n,)

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(-2)

    def adjoint(self, y: Tensor) -> Tensor:
        return y.unsqueeze(-2).expand(*y.shape[:-1], *self.domain_shape)


class LargestTensor(TorchDispatchMode):
    """The most elements any operation of torch returned."""

    n = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.n = max(self.n, result.untyped_storage().nbytes() // result.itemsize)
        return result


@pytest.mark.parametrize("shared", [False, True])
def test_frames_are_never_formed_all_at_once(shared: bool) -> None:
    n, n_frames, rank, at_once = 40, 200, 5, 8
    one = Views(n)
    memory = at_once * (n * n + n) * 4
    operators = [one if shared else Views(n) for _ in range(n_frames)]
    operator = PartiallySeparable(operators, torch.ones(n_frames, rank), memory_bytes=memory)
    factors = torch.ones(operator.domain_shape)
    limit = max(at_once * n * n, n_frames * n, rank * n * n)
    with LargestTensor() as largest:
        y = operator.forward(factors)
        operator.adjoint(y)
        of_basis = operator.as_function_of_basis(factors)
        of_basis.adjoint(of_basis.forward(operator.temporal_basis))
        operator.normal(factors)
    assert largest.n <= limit < n_frames * n * n / 8
    assert torch.equal(y, torch.full((n_frames, n), float(rank * n)))


def test_alternating_solves_fit_bilinear_data(rng: torch.Generator) -> None:
    """Exact data of a rank-2 object: least squares over Lambda and over Psi in turn never lose ground."""
    operator, parts = make([0, 1, 2, 3] * 6, 2**20, rng, torch.float64)
    y = operator.forward(torch.randn(operator.domain_shape, dtype=torch.float64, generator=rng))
    basis = operator.temporal_basis + 0.3 * torch.randn(24, RANK, dtype=torch.float64, generator=rng)
    misfits = [y.norm().item()]
    for _ in range(15):
        of_factors = PartiallySeparable([parts[t % 4] for t in range(24)], basis)
        factors = torch.linalg.pinv(to_matrix(of_factors, dtype=y.dtype)) @ y.flatten()
        of_basis = of_factors.as_function_of_basis(factors.reshape(RANK, *DOMAIN))
        basis = (torch.linalg.pinv(to_matrix(of_basis, dtype=y.dtype)) @ y.flatten()).reshape(24, RANK)
        misfits.append((of_basis.forward(basis) - y).norm().item())
    assert misfits == sorted(misfits, reverse=True)
    assert misfits[-1] < 0.02 * misfits[0]


def test_refuses(rng: torch.Generator) -> None:
    operator, parts = make(ORDERS["distinct"], SMALL, rng)
    for shape in ((3, 2), (4,), (4, 0)):
        with pytest.raises(ValueError, match=r"temporal_basis must have shape \(4, rank\), got"):
            PartiallySeparable(parts, torch.zeros(shape))
    with pytest.raises(ValueError, match=r"x must end in axes \(2, 4, 3\)"):
        operator.forward(torch.zeros(3, 4, 3))
    with pytest.raises(ValueError, match=r"y must end in axes \(4, 5\)"):
        operator.adjoint(torch.zeros(5))
    with pytest.raises(ValueError, match=r"factors must have axes \(rank, \*\(4, 3\)\), got shape \(4, 3\)"):
        operator.as_function_of_basis(torch.zeros(4, 3))
    of_basis = operator.as_function_of_basis(torch.zeros(2, 4, 3, dtype=torch.complex128))
    with pytest.raises(ValueError, match="x must be complex for complex factors"):
        of_basis.forward(torch.zeros(4, 2))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_order
@every_memory
def test_on_cuda_it_is_as_on_the_cpu(order: list[int], memory: int, rng: torch.Generator) -> None:
    operator, _ = make(order, memory, rng)
    x = torch.randn(2, *operator.domain_shape, dtype=torch.complex128, generator=rng)
    of_basis = operator.as_function_of_basis(x[0])
    expected = operator.forward(x), operator.normal(x), of_basis.normal(operator.temporal_basis)
    operator, of_basis = operator.cuda(), of_basis.cuda()
    assert_adjoint(operator, rng, device="cuda")
    found = operator.forward(x.cuda()), operator.normal(x.cuda()), of_basis.normal(operator.temporal_basis)
    for there, here in zip(found, expected, strict=True):
        torch.testing.assert_close(there.cpu(), here)

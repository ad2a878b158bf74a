"""The linear operator every forward model derives from, and its algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def check_trailing_axes(name: str, array: Tensor, shape: Sequence[int]) -> None:
    """Raise ValueError unless ``array`` ends in the axes ``shape``; any batch axes may lead."""
    shape = tuple(shape)
    if tuple(array.shape[array.ndim - len(shape) :]) != shape or array.ndim < len(shape):
        raise ValueError(f"{name} must end in axes {shape}, got shape {tuple(array.shape)}")


class LinearOperator(nn.Module):
    """A linear map A between arrays, with its adjoint: <A x, y> = <x, A^H y>.

    Subclasses set ``domain_shape`` and ``range_shape`` and write ``forward`` and ``adjoint`` with
    torch operations, or through ``apply_linear`` where another library computes. Both take leading
    batch axes, ``(*batch, *domain_shape)``, and are differentiable; the gradient of ``forward`` is
    ``adjoint``. ``normal`` is A^H A, overridden where a fused form is faster.

    Algebra: ``A.H``, ``A @ B``, ``A + B``, ``2 * A``, ``-A``; ``stack([A, B])`` for [A; B].
    """

    domain_shape: tuple[int, ...]
    range_shape: tuple[int, ...]

    @property
    def support(self) -> Tensor | None:
        """bool, ``domain_shape``: the entries of x that A x depends on; None where A does not tell."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """A x."""
        raise TypeError(f"{type(self).__name__} must define forward")

    def adjoint(self, y: Tensor) -> Tensor:
        """A^H y."""
        raise TypeError(f"{type(self).__name__} must define adjoint")

    def normal(self, x: Tensor) -> Tensor:
        """A^H A x."""
        return self.adjoint(self.forward(x))

    @property
    def H(self) -> LinearOperator:
        """The adjoint as an operator of its own."""
        return Adjoint(self)

    def __matmul__(self, other: LinearOperator) -> LinearOperator:
        return Composition(self, other)

    def __add__(self, other: LinearOperator) -> LinearOperator:
        return Sum(self, other)

    def __mul__(self, scalar: complex) -> LinearOperator:
        return Scaled(self, scalar)

    __rmul__ = __mul__

    def __neg__(self) -> LinearOperator:
        return Scaled(self, -1.0)


class Adjoint(LinearOperator):
    """A^H."""

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__()
        self.operator = operator
        self.domain_shape, self.range_shape = operator.range_shape, operator.domain_shape

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.adjoint(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.forward(y)

    @property
    def H(self) -> LinearOperator:
        return self.operator


class Composition(LinearOperator):
    """A B: first B, then A. Raises ValueError if B's range is not A's domain."""

    def __init__(self, outer: LinearOperator, inner: LinearOperator) -> None:
        super().__init__()
        if outer.domain_shape != inner.range_shape:
            raise ValueError(f"inner range must be {outer.domain_shape}, got {inner.range_shape}")
        self.outer, self.inner = outer, inner
        self.domain_shape, self.range_shape = inner.domain_shape, outer.range_shape

    def forward(self, x: Tensor) -> Tensor:
        return self.outer.forward(self.inner.forward(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.adjoint(y))

    def normal(self, x: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.normal(self.inner.forward(x)))


class Sum(LinearOperator):
    """A + B. Raises ValueError if the shapes differ."""

    def __init__(self, first: LinearOperator, second: LinearOperator) -> None:
        super().__init__()
        shapes = (first.domain_shape, first.range_shape), (second.domain_shape, second.range_shape)
        if shapes[0] != shapes[1]:
            raise ValueError(f"summands must share domain and range, got {shapes[0]} and {shapes[1]}")
        self.first, self.second = first, second
        self.domain_shape, self.range_shape = shapes[0]

    def forward(self, x: Tensor) -> Tensor:
        return self.first.forward(x) + self.second.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.first.adjoint(y) + self.second.adjoint(y)


class Scaled(LinearOperator):
    """c A for a real or complex number c; its adjoint carries conj(c)."""

    def __init__(self, operator: LinearOperator, scalar: complex) -> None:
        super().__init__()
        self.operator, self.scalar = operator, scalar
        self.domain_shape, self.range_shape = operator.domain_shape, operator.range_shape

    @property
    def support(self) -> Tensor | None:
        return self.operator.support

    def forward(self, x: Tensor) -> Tensor:
        return self.scalar * self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        conjugate = self.scalar.conjugate() if isinstance(self.scalar, complex) else self.scalar
        return conjugate * self.operator.adjoint(y)

    def normal(self, x: Tensor) -> Tensor:
        return abs(self.scalar) ** 2 * self.operator.normal(x)


class Stacked(LinearOperator):
    """[A; B; ...] with the ranges flattened and joined: y is (*batch, sum of range sizes).

    Raises ValueError if the domains differ or no operator is given.
    """

    def __init__(self, operators: Sequence[LinearOperator]) -> None:
        super().__init__()
        if not operators or any(op.domain_shape != operators[0].domain_shape for op in operators):
            domains = [op.domain_shape for op in operators]
            raise ValueError(f"operators must be one or more with one domain, got domains {domains}")
        self.operators = nn.ModuleList(operators)
        self.parts: list[LinearOperator] = list(operators)
        self.sizes = [torch.Size(op.range_shape).numel() for op in operators]
        self.domain_shape, self.range_shape = operators[0].domain_shape, (sum(self.sizes),)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([op.forward(x).flatten(-len(op.range_shape)) for op in self.parts], dim=-1)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        parts = zip(self.parts, y.split(self.sizes, dim=-1), strict=True)
        images = [op.adjoint(part.unflatten(-1, op.range_shape)) for op, part in parts]
        return torch.stack(images).sum(0)

    def normal(self, x: Tensor) -> Tensor:
        return torch.stack([op.normal(x) for op in self.parts]).sum(0)


def stack(operators: Sequence[LinearOperator]) -> Stacked:
    """[A; B; ...], see ``Stacked``."""
    return Stacked(operators)


def apply_linear(
    x: Tensor, forward: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor]
) -> Tensor:
    """Run ``forward(x)`` computed outside torch, with ``adjoint`` as its gradient.

    ``forward`` and ``adjoint`` map detached tensors to tensors; the pair must be exact adjoints.
    """
    return _External.apply(x, forward, adjoint)


class _External(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, forward, adjoint):  # type: ignore[no-untyped-def]
        ctx.pair = forward, adjoint
        return forward(x)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        forward, adjoint = ctx.pair
        return _External.apply(gradient, adjoint, forward), None, None

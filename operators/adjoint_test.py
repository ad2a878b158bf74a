"""The dot test: is ``adjoint`` the adjoint of ``forward``?"""

from __future__ import annotations

from math import inf

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator

DEFAULT_TOLERANCE = {
    torch.complex128: 1e-10,
    torch.float64: 1e-10,
    torch.complex64: 1e-4,
    torch.float32: 1e-4,
}


def adjoint_error(
    operator: LinearOperator,
    generator: torch.Generator,
    dtype: torch.dtype = torch.complex128,
    device: torch.device | str = "cpu",
    batch: tuple[int, ...] = (),
) -> float:
    """|<A x, y> - <x, A^H y>| / (||A x|| ||y||) for Gaussian x and y of the given batch axes.

    The generator's device may differ from ``device``. The inner products are summed in double
    precision, so that the figure is the operator's and not the sum's. Zero for the zero operator.
    Raises ValueError if ``forward`` or ``adjoint`` returns the wrong shape or dtype.
    """
    x = _gaussian((*batch, *operator.domain_shape), generator, dtype).to(device)
    y = _gaussian((*batch, *operator.range_shape), generator, dtype).to(device)
    ax, ahy = operator.forward(x), operator.adjoint(y)
    for name, result, expected in (("forward(x)", ax, y), ("adjoint(y)", ahy, x)):
        if result.shape != expected.shape or result.dtype != expected.dtype:
            raise ValueError(
                f"{name} must be {expected.dtype} of shape {tuple(expected.shape)}, "
                f"got {result.dtype} of shape {tuple(result.shape)}"
            )
    difference = abs(_inner(ax, y) - _inner(x, ahy))
    scale = float(ax.norm()) * float(y.norm())
    return difference / scale if scale else (inf if difference else 0.0)


def assert_adjoint(
    operator: LinearOperator,
    generator: torch.Generator,
    *,
    dtype: torch.dtype = torch.complex128,
    device: torch.device | str = "cpu",
    batch: tuple[int, ...] = (),
    tolerance: float | None = None,
) -> None:
    """Raise AssertionError if ``adjoint_error`` is above ``tolerance``.

    The default is 1e-10 in double and 1e-4 in single precision.
    """
    bound = DEFAULT_TOLERANCE[dtype] if tolerance is None else tolerance
    error = adjoint_error(operator, generator, dtype, device, batch)
    if not error <= bound:
        raise AssertionError(
            f"adjoint error of {type(operator).__name__} in {dtype} must be at most {bound:g}, "
            f"got {error:.3g}"
        )


def _gaussian(shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)


def _inner(a: Tensor, b: Tensor) -> complex:
    double = torch.complex128
    return complex(torch.vdot(a.flatten().to(double), b.flatten().to(double)))

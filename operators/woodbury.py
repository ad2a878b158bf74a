"""Exact regularised least squares where measurements are fewer than unknowns."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, Scaled

MAX_MEASUREMENTS = 8192  # a Gram matrix of 512 MiB in complex64
ROWS = 64  # of the identity sent through an operator at a time


@runtime_checkable
class HasGram(Protocol):
    """An operator that makes A A^H from its own structure."""

    def gram(self, dtype: torch.dtype, device: torch.device) -> Tensor: ...


class Woodbury:
    """(kappa I + A^H A)^-1 through the M x M matrix kappa I + A A^H, inverted once by Cholesky's factor:

        (kappa I + A^H A)^-1 b = [b - A^H (kappa I + A A^H)^-1 A b] / kappa

    Args:
        operator: A, complex, of M measurements; its Gram matrix A A^H comes from ``operator.gram`` where it
            has one, and from M adjoints and forwards where not.
        kappa: > 0, in the unit of ||A||^2. Below about 1e-5 ||A||^2 complex64 loses the small eigenvalues.
        max_measurements: memory is 8 M^2 bytes in complex64, three times that while it is made;
            time grows as M^2 N + M^3.

    Raises ValueError if kappa is not positive or M exceeds ``max_measurements``.
    Source: Woodbury, Princeton Univ. Stat. Res. Group memo 42 (1950); Oral & Oktem (2024) solve it by CG.
    """

    def __init__(
        self,
        operator: LinearOperator,
        kappa: float,
        *,
        dtype: torch.dtype = torch.complex64,
        device: torch.device | str = "cpu",
        max_measurements: int = MAX_MEASUREMENTS,
    ) -> None:
        size = math.prod(operator.range_shape)
        if not 0 < kappa < math.inf:
            raise ValueError(f"kappa must be positive, got {kappa}")
        if size > max_measurements:
            raise ValueError(f"measurements must be at most {max_measurements}, got {size}")
        self.operator, self.kappa = operator, kappa
        with torch.no_grad():
            gram = gram_matrix(operator, dtype, torch.device(device))
            gram.diagonal().add_(kappa)
            # its products read it once; triangular solves took 14 times as long, mostly copies of the factor
            self.inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))

    def solve(self, b: Tensor) -> Tensor:
        """(kappa I + A^H A)^-1 b for b (*batch, *domain)."""
        correction = self.operator.adjoint(self._solve_gram(self.operator.forward(b)))
        return (b - correction) / self.kappa

    def nearest(self, v: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """s = argmin kappa ||s - v||^2 + ||A s - w||^2, and A s, by one forward and one adjoint:

        q = (kappa I + A A^H)^-1 (w - A v),   s = v + A^H q,   A s = w - kappa q

        v: (*batch, *domain).  w: (*batch, *range).
        """
        q = self._solve_gram(w - self.operator.forward(v))
        return v + self.operator.adjoint(q), w - self.kappa * q

    def _solve_gram(self, y: Tensor) -> Tensor:
        n_axes = len(self.operator.range_shape)
        columns = y.reshape(-1, math.prod(self.operator.range_shape)).T
        solved = (self.inverse @ columns).T
        return solved.reshape(y.shape[: y.ndim - n_axes] + tuple(self.operator.range_shape))


def has_gram(operator: LinearOperator) -> bool:
    """Whether ``gram_matrix`` does without applying the operator to every measurement."""
    return has_gram(operator.operator) if isinstance(operator, Scaled) else isinstance(operator, HasGram)


def gram_matrix(operator: LinearOperator, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A A^H, (measurement, measurement), measurements in the order of the flattened range."""
    if isinstance(operator, Scaled):
        return gram_matrix(operator.operator, dtype, device) * abs(operator.scalar) ** 2
    if isinstance(operator, HasGram):
        return operator.gram(dtype, device)
    size = math.prod(operator.range_shape)
    rows = []
    for start in range(0, size, ROWS):
        unit = torch.zeros((min(ROWS, size - start), size), dtype=dtype, device=device)
        unit[:, start:].fill_diagonal_(1)
        images = operator.adjoint(unit.reshape(-1, *operator.range_shape))
        rows.append(operator.forward(images).reshape(-1, size))  # row i is A A^H e_i: column i
    return torch.cat(rows).T.contiguous()

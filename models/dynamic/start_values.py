"""Factors of a series in the form of its singular value decomposition, and their number changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from proxflow.models.dynamic.knot_training import orthonormal

PADDING_NORM = 0.1  # of the temporal functions added beyond those found: the released files' are 0.1 to 0.3


@dataclass(frozen=True)
class StartFactors:
    """f = Lambda Psi^T with Psi = U Z.

    spatial: Lambda, (r, *domain), in the scale and dtype of the problem.  knots: Z, (d, r), of that dtype.
    Columns of Psi have norm 1 but for those added to a smaller rank, whose Lambda is 0.
    curves: what a report may show of how they were found.
    """

    spatial: Tensor
    knots: Tensor
    curves: Mapping[str, list[list[float]]] = field(default_factory=dict)


def check_rank(basis: Tensor, n_functions: int) -> None:
    """ValueError unless U can hold ``n_functions`` independent functions."""
    if not 1 <= n_functions <= basis.shape[1]:
        raise ValueError(
            f"n_functions must be in 1 .. {basis.shape[1]}, the number of knots, got {n_functions}"
        )


def balanced(spatial: Tensor, knots: Tensor, basis: Tensor) -> StartFactors:
    """The same f by its singular value decomposition f = (L S) V^T: Lambda = L S and Psi = V, real.

    With complex images L is orthogonal as 2 n real rows: V stays real. Signs: each column of V has a
    positive sum, or a positive last value where the sum is nil.
    """
    shape, z = spatial.shape, knots.real.double()
    flat = spatial.flatten(1).mT
    rows = torch.cat([flat.real, flat.imag]) if flat.is_complex() else flat
    r_space = torch.linalg.qr(rows.double(), mode="r")[1]
    r_time = torch.linalg.qr(basis.double() @ z, mode="r")[1]
    right = torch.linalg.svd(r_space @ r_time.mT).Vh
    # Psi = P R_t and V = P right^T, hence V = Psi R_t^-1 right^T, and Lambda = f V = Lambda_old R_t^T right^T
    new_knots = z @ torch.linalg.solve_triangular(r_time, right.mT, upper=True)
    functions = basis.double() @ new_knots
    total = functions.sum(0)
    sign = torch.where(total.abs() > 1e-6 * len(basis) ** 0.5, total, functions[-1]).sign()
    mixing = (r_time.mT @ right.mT * sign).to(flat.dtype)
    return StartFactors((flat @ mixing).mT.reshape(shape).contiguous(), (new_knots * sign).to(knots.dtype))


def resized(start: StartFactors, basis: Tensor, n_functions: int, seed: int) -> StartFactors:
    """Fewer functions: the leading ones. More: random ones of the basis are added, orthogonal to those found,
    of norm 0.1, with Lambda = 0.

    Raises ValueError where the basis cannot hold them.
    Source: the released starting values of RED-PSM: 4 orthonormal functions and 3 small ones.
    """
    check_rank(basis, n_functions)
    missing = n_functions - start.knots.shape[1]
    if missing <= 0:
        return replace(start, spatial=start.spatial[:n_functions], knots=start.knots[:, :n_functions])
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(basis.shape[1], missing, generator=generator, dtype=torch.float64)
    z = torch.cat([start.knots.real.double(), noise.to(basis.device)], dim=1)
    added = orthonormal(z, basis.double())[:, -missing:] * (PADDING_NORM / len(basis) ** 0.5)
    images = start.spatial.new_zeros(missing, *start.spatial.shape[1:])
    return replace(
        start,
        spatial=torch.cat([start.spatial, images]),
        knots=torch.cat([start.knots, added.to(start.knots.dtype)], dim=1),
    )

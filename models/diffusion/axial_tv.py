"""Total variation across slices, by sweeps of ADMM that go on from one noise level to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from proxflow.models.diffusion.data_consistency import Consistent
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.conjugate_gradient import cg_steps
from proxflow.operators.axial_difference import AxialDifference
from proxflow.operators.base import LinearOperator
from proxflow.operators.finite_difference import Boundary


@dataclass(frozen=True)
class AxialTv:
    """Numbers of min_x 1/2 ||A x - y||^2 + lam ||D_z x||_1 for a matched A.

    Attributes:
        lam, rho: weight, and penalty of d = D_z x, in the unit of ||A||^2 times the image's.
        boundary: "periodic" couples the last slice to the first, as published; "neumann" does not.
        start: share of the sampling steps before it is switched on.
    """

    lam: float
    rho: float
    boundary: Boundary = "periodic"
    start: float = 0.0

    def __post_init__(self) -> None:
        if not (self.lam >= 0 and self.rho > 0):
            raise ValueError(f"lam must be at least 0 and rho positive, got {self.lam} and {self.rho}")
        if not 0 <= self.start <= 1:
            raise ValueError(f"start must be 0 to 1, got {self.start}")


class AxialDuals(NamedTuple):
    """d and u of d = D_z x, both (*batch, z, y, x), zero at first."""

    d: Tensor
    u: Tensor


def axial_tv_sweep(
    operator: LinearOperator, b: Tensor, start: Tensor, duals: AxialDuals, numbers: AxialTv, *, n_cg: int
) -> tuple[Consistent, AxialDuals]:
    """One sweep of ADMM, from ``start``:

        x <- n_cg steps of conjugate gradients from start on (A^H A + rho D^H D) x = A^H y + rho D^H (d - u)
        d <- shrink(D x + u, lam / rho),  u <- u + D x - d

    The start, which the prior made, is not held on to: n_cg is the weight of the data.

    Args:
        operator: of volumes (z, y, x).
        b: A^H y, (*batch, z, y, x). Slices are coupled: one step length for a volume.
    Source: Chung, Ryu, McCann, Klasky & Ye, CVPR 2023 (DiffusionMBIR), in Chung, Lee & Ye, ICLR 2024. Theirs
    scales the back-projector by pi / (2 views) and rho and lam with it; ours are those of the true adjoint.
    """
    shape = operator.domain_shape
    if len(shape) != 3:
        raise ValueError(f"operator must be of volumes (z, y, x), got a domain of shape {shape}")
    difference, rho = AxialDifference((shape[0], shape[1], shape[2]), numbers.boundary), numbers.rho
    right = b + rho * difference.adjoint(duals.d - duals.u)

    def matrix(v: Tensor) -> Tensor:
        return operator.normal(v) + rho * difference.normal(v)

    state = cg_steps(matrix, right, n_axes=3, n_iter=n_cg, x0=start)
    jump = difference.forward(state.x) + duals.u
    d = soft_threshold(jump, numbers.lam / rho)
    normal = right - state.r - rho * difference.normal(state.x)
    return Consistent(state.x, normal), AxialDuals(d, jump - d)

"""Plug-and-play ADMM: a denoiser in place of a prior's proximal map, of real and complex images."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import bright, first_image, units_of
from proxflow.models.calibration.seen_voxels import seen_voxels
from proxflow.models.denoisers.denoiser import ImageDenoiser
from proxflow.models.denoisers.in_unit import InUnit
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor, iterate
from proxflow.models.solvers.misfit_measure import misfit_measure
from proxflow.models.solvers.tikhonov_step import tikhonov_step
from proxflow.operators.base import LinearOperator

MOST_GROWTH = 1e9  # of rho, in the end: beyond, nothing but rounding moves


class PnpAdmmState(NamedTuple):
    """Iterates; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    normal: Tensor  # A^H A x
    v: Tensor  # copy of x that the denoiser made
    u: Tensor  # scaled dual variable of x = v
    steps: Tensor  # int64: done
    change: Tensor  # ||x_k - x_{k-1}||^2


def pnp_admm(
    operator: LinearOperator,
    y: Tensor,
    *,
    denoiser: ImageDenoiser,
    n_iter: int = 50,
    rho: float = 0.1,
    sigma: float = 0.05,
    rho_growth: float = 1.0,
    n_cg: int = 5,
    tol: float = 1e-4,
    unit: Tensor | float | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """ADMM for 1/2 ||A x - y||^2 + rho R(x), with a denoiser D in place of R's proximal map:

        x <- argmin_x 1/2 ||A x - y||^2 + rho/2 ||x - (v - u)||^2
        v <- D(x + u, sigma)
        u <- u + x - v

    and, with ``rho_growth`` c > 1, rho <- c rho, sigma <- sigma / sqrt(c), u <- u / c after each iteration:
    rho sigma^2, the weight of a prior whose proximal map D is, stays. c = 1 ends where x = D(x + u) and
    A^H (A x - y) = -rho u; a D that is no proximal map decides the image together with rho.

    Args:
        operator: A of norm 1, of images (y, x) or volumes (z, y, x), whose slices D sees one by one.
        y: (*batch, *range), zero where nothing was sampled, of any gain.
        rho: in the unit of ||A||^2, > 0.
        sigma: std of the noise that D is told, of real and imaginary part each, in ``unit``.
        n_cg: steps of conjugate gradients from the iterate: the path, not the result.
        unit: what is 1 to D, in the unit of x: a number, or one per item (*batch); None: found in the data,
            ``image_unit``. The iteration starts from ``first_image``.

    image: x.  Raises ValueError if rho is not positive, sigma negative or rho_growth below 1, UnsuitableError
    where D is not for such images, DivergenceError on NaN or infinity.
    Source: Venkatakrishnan, Bouman & Wohlberg, GlobalSIP 2013; Chan, Wang & Elgendy, IEEE Trans. Comput.
    Imaging 3:84 (2017) for the growth, who leave u as it is (rescaled: Boyd et al. 2011, section 3.4.1).
    """
    if not rho > 0:
        raise ValueError(f"rho must be positive, got {rho}")
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be at least 0, got {sigma}")
    if not 1 <= rho_growth < math.inf:
        raise ValueError(f"rho_growth must be at least 1, got {rho_growth}")
    n_axes = len(operator.domain_shape)
    b, yy = operator.adjoint(y), squared_norm(y, len(operator.range_shape))
    first = first_image(operator, b)
    units = units_of(unit, yy, lambda: bright(first, n_axes))
    denoise = InUnit(denoiser, units, seen_voxels(operator, b))

    def advanced(state: PnpAdmmState) -> PnpAdmmState:
        grown, then = (_growth(rho_growth, int(state.steps) + i) for i in (0, 1))
        near = state.v - state.u
        x, normal = tikhonov_step(operator.normal, b, near, rho * grown, x0=state.x, n_axes=n_axes, n_cg=n_cg)
        v = denoise(x + state.u, sigma / math.sqrt(grown))
        u = (state.u + x - v) * (grown / then)
        return PnpAdmmState(x, normal, v, u, state.steps + 1, squared_norm(x - state.x, n_axes))

    start = PnpAdmmState(
        first,
        operator.normal(first),
        first,
        torch.zeros_like(first),
        torch.zeros((), dtype=torch.int64),
        yy.new_zeros(yy.shape),
    )
    state, trace = iterate(
        start,
        advanced,
        n_iter=n_iter,
        tol=tol,
        measure=lambda state: misfit_measure(state.x, state.normal, state.change, b, yy, n_axes),
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)


def _growth(rho_growth: float, steps: int) -> float:
    """rho over the first, after so many steps."""
    return math.exp(min(steps * math.log(rho_growth), math.log(MOST_GROWTH)))

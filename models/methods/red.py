"""Regularisation by denoising of single images and volumes."""

from __future__ import annotations

import math
from typing import NamedTuple

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


class RedState(NamedTuple):
    """Iterate; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    normal: Tensor  # A^H A x
    change: Tensor  # ||x_k - x_{k-1}||^2


def red(
    operator: LinearOperator,
    y: Tensor,
    *,
    denoiser: ImageDenoiser,
    n_iter: int = 50,
    lam: float = 0.05,
    sigma: float = 0.05,
    n_cg: int = 5,
    tol: float = 1e-4,
    unit: Tensor | float | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """A^H (A x - y) + lam (x - D(x)) = 0, by the fixed-point iteration

        (A^H A + lam I) x <- A^H y + lam D(x)

    Where D is linear and symmetric, or homogeneous with a symmetric Jacobian, that is the minimum of
    1/2 ||A x - y||^2 + lam/2 <x, x - D(x)>; networks are not, and have no such objective.

    Args:
        operator: A of norm 1, of images (y, x) or volumes (z, y, x), whose slices D sees one by one.
        y: (*batch, *range), zero where nothing was sampled, of any gain.
        lam: in the unit of ||A||^2, > 0.
        sigma: std of the noise that D is told, of real and imaginary part each, in ``unit``.
        n_cg: steps of conjugate gradients from the iterate: the path, not the result.
        unit: what is 1 to D, in the unit of x: a number, or one per item (*batch); None: found in the data,
            ``image_unit``. The iteration starts from ``first_image``.

    Raises ValueError if lam is not positive or sigma negative, UnsuitableError where D is for other images,
    DivergenceError on NaN or infinity.
    Source: Romano, Elad & Milanfar, SIAM J. Imaging Sci. 10:1804 (2017), section 4.2. On when it has an
    objective: Reehorst & Schniter, IEEE Trans. Comput. Imaging 5:52 (2019).
    """
    if not lam > 0:
        raise ValueError(f"lam must be positive, got {lam}")
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be at least 0, got {sigma}")
    n_axes = len(operator.domain_shape)
    b, yy = operator.adjoint(y), squared_norm(y, len(operator.range_shape))
    first = first_image(operator, b)
    units = units_of(unit, yy, lambda: bright(first, n_axes))
    denoise = InUnit(denoiser, units, seen_voxels(operator, b))

    def advanced(state: RedState) -> RedState:
        z = denoise(state.x, sigma)
        x, normal = tikhonov_step(operator.normal, b, z, lam, x0=state.x, n_axes=n_axes, n_cg=n_cg)
        return RedState(x, normal, squared_norm(x - state.x, n_axes))

    state, trace = iterate(
        RedState(first, operator.normal(first), yy.new_zeros(yy.shape)),
        advanced,
        n_iter=n_iter,
        tol=tol,
        measure=lambda state: misfit_measure(state.x, state.normal, state.change, b, yy, n_axes),
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)

"""Diffusion posterior sampling: the gradient of the data misfit through the prior's denoised image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import image_unit, units_of
from proxflow.models.diffusion.guidance import guided
from proxflow.models.diffusion.noise_levels import Process, ve_steps, vp_steps
from proxflow.models.diffusion.priors import DifferentiablePrior, denoised
from proxflow.models.diffusion.sampling import drawn_alike, recombined
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import over_image, ratio, scalars, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Measure, Monitor, iterate, relative_change
from proxflow.operators.base import LinearOperator


class DpsState(NamedTuple):
    """All that goes from one step to the next; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain), at the noise level of the next step
    image: Tensor  # x_0 as the prior denoised x; of the last step, x itself
    steps: Tensor  # int64: done
    misfit: Tensor  # ||A image - y||^2
    change: Tensor  # ||image - the image before||^2


def dps(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: DifferentiablePrior,
    n_iter: int = 200,
    process: Process = "vp",
    eta: float = 1.0,
    zeta: float = 1.0,
    unit: Tensor | float | None = None,
    seen: Tensor | None = None,
    seed: int = 0,
    first_item: int = 0,
    images_at_once: int = 8,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """Down ``n_iter`` noise levels from pure noise:

        x0 = (x - noise eps(x)) / signal
        x' = signal' x0 + kept eps + fresh z - zeta / ||A x0 - y|| grad_x ||A x0(x) - y||^2

    Args:
        operator: A of norm 1, of images (y, x) or volumes (z, y, x), whose slices the prior sees one by one.
        y: (*batch, *range).
        prior: of images with magnitudes of about 0 to 1; complex where A's images are.
        process: which noise levels the prior knows.
        eta: of DDIM's noise, under the rule "ddim": 1 is ancestral sampling (DDPM), 0 adds none; of an
            exploding prior, the share that ``ve_steps`` has, whose noise at 1 is less.
        zeta: a step is at most so long as 2 zeta |dx0/dx|, in the norm of the whole image, whatever the
            misfit: what is right goes with the root of the number of pixels, and falls with n_iter.
        unit, seen, seed, first_item, images_at_once: as of ``dds``. More images than ``images_at_once`` go
            through the prior twice.

    image: (*batch, *domain).  Raises ValueError for numbers out of range, DivergenceError on NaN or infinity.
    Source: Chung et al., ICLR 2023, arXiv 2209.14687, algorithm 1. The released code takes the gradient of
    the norm, not of its square: its step of 1 is zeta = 0.5.
    """
    if not zeta >= 0:
        raise ValueError(f"zeta must be at least 0, got {zeta}")
    n_axes, n_range = len(operator.domain_shape), len(operator.range_shape)
    steps = ve_steps(n_iter, eta=eta) if process == "ve" else vp_steps(n_iter, eta=eta, rule="ddim")
    b, yy = operator.adjoint(y), squared_norm(y, n_range)
    units = units_of(unit, yy, lambda: image_unit(operator, b))
    scale, data = over_image(units, b), y / over_image(units, y)

    def noise(count: int) -> Tensor:
        return drawn_alike(b[None], n_axes, (seed, count), first_item)[0]

    def advanced(state: DpsState) -> DpsState:
        k = int(state.steps)
        step, last = steps[k], k == len(steps) - 1
        eps, pull = guided(prior, state.x, step.at, 2, images_at_once)
        image = denoised(state.x, eps, step.at)
        residual = operator.forward(image) - data
        misfit = squared_norm(residual, n_range)
        towards = over_image(ratio(torch.full_like(misfit, 2 * zeta), misfit.sqrt()), b)
        guidance = towards * pull(operator.adjoint(residual))
        if seen is not None:
            image = image * seen
        x = recombined(image, eps, noise(k + 1) if step.fresh else None, step) - guidance
        if last:
            image = x if seen is None else x * seen
            misfit = squared_norm(operator.forward(image) - data, n_range)
        return DpsState(x, image, state.steps + 1, misfit, squared_norm(image - state.image, n_axes))

    def measure(state: DpsState) -> Measure:
        own = (state.misfit, state.change, squared_norm(state.image, n_axes))
        misfit, change, size, norm = scalars(*(value * units**2 for value in own), yy)
        residual = relative_change(misfit**0.5, norm**0.5)
        return float("nan"), relative_change(change**0.5, size**0.5), residual

    start = DpsState(
        (steps[0].at.noise if process == "ve" else 1.0) * noise(0),
        torch.zeros_like(b),
        torch.zeros((), dtype=torch.int64),
        yy / units**2,
        torch.zeros_like(yy),
    )
    state, trace = iterate(
        start,
        advanced,
        n_iter=len(steps),
        tol=0.0,
        measure=measure,
        image=lambda state: state.image * scale,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.image * scale, trace)

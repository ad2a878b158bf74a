"""Decomposed diffusion sampling: a diffusion prior, and conjugate gradients on what it denoised."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import image_unit, units_of
from proxflow.models.diffusion.axial_tv import AxialDuals, AxialTv, axial_tv_sweep
from proxflow.models.diffusion.data_consistency import (
    DataConsistency,
    HardConsistency,
    ProximalConsistency,
    adaptive_gamma,
)
from proxflow.models.diffusion.noise_levels import EtaRule, Process, usual_eta, ve_steps, vp_steps
from proxflow.models.diffusion.priors import DiffusionPrior, denoised
from proxflow.models.diffusion.sampling import (
    SamplerState,
    deviation,
    drawn_alike,
    predicted,
    recombined,
)
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import over_image, scalars, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Measure, Monitor, iterate, relative_change
from proxflow.models.solvers.misfit_measure import squared_misfit
from proxflow.operators.base import LinearOperator

IMAGE_AXES = 2  # of what a prior sees


def dds(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: DiffusionPrior,
    n_iter: int = 50,
    process: Process = "vp",
    eta: float | None = None,
    rule: EtaRule = "official",
    consistency: Literal["hard", "proximal", "adaptive"] | DataConsistency = "proximal",
    n_cg: int = 5,
    gamma: float = 5.0,
    noise: float | None = None,
    spread: float = 0.3,
    axial: AxialTv | None = None,
    unit: Tensor | float | None = None,
    seen: Tensor | None = None,
    seed: int = 0,
    samples: int = 1,
    first_item: int = 0,
    images_at_once: int = 8,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """A sample of about p(x | y) for a diffusion prior, coming down ``n_iter`` noise levels from pure noise:

        x0 = (x - noise eps(x)) / signal       the prior denoises (Tweedie); nothing is clipped
        x0' = consistency(x0)                  a few conjugate gradient steps towards the data
        x  <- signal' x0' + kept eps + fresh z

    and x0' of the last level. Between a sample and a posterior mean: its spread over seeds is too small to be
    an uncertainty, the more so the larger eta is under the rule "official".

    Args:
        operator: A of images (y, x) or volumes (z, y, x), whose slices the prior sees one by one.
        y: (*batch, *range).
        prior: of images with magnitudes of about 0 to 1; complex where A's images are.
        process: which noise levels the prior knows.
        eta: share of fresh noise, under ``rule``; None: 0.15, 0.5 or 0.8 by ``n_iter``, the paper's. See
            ``vp_steps`` and ``ve_steps``, which has one rule.
        consistency: "hard": n_cg steps on A^H A x = A^H y, for data without noise; "proximal":
            argmin gamma/2 ||A x - y||^2 + 1/2 ||x - x0||^2; "adaptive": the same with gamma by the noise
            level, ``adaptive_gamma``, of data with noise of std ``noise`` in each part and a prior std
            ``spread``, in ``unit``; or any other.
        axial: total variation across slices, by one sweep of ADMM a level in place of ``consistency``.
        unit: what is 1 to the prior, in the unit of x: a number, or one per item (*batch); None: found in
            the data, ``image_unit``.
        seen: bool (*domain), voxels that A does not map to 0; elsewhere the image is kept 0, or it would be
            filled with what the prior makes of noise. None: all.
        seed: of all noise, together with the numbers of item and sample.
        samples: drawn side by side, of which the mean is returned; with several, ``spread_of_samples`` in
            the trace is their standard deviation over their mean, both root mean square, and the map
            ``std`` that deviation at every voxel: see above.
        first_item: number of the first item of the batch, where it is part of something larger.
        images_at_once: handed to the prior, which bounds the memory that it takes.

    image: (*batch, *domain).  maps: ``std`` with several samples, else none.
    Raises ValueError for numbers out of range, DivergenceError on NaN or infinity.
    Source: Chung, Lee & Ye, ICLR 2024, arXiv 2303.05754. The released code adds A^H y to real and imaginary
    part alike, does not conjugate in CG, and uses a back-projector that is not the projector's adjoint.
    """
    if consistency == "adaptive" and noise is None:
        raise ValueError("noise must be given for adaptive consistency, got None")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    n_axes, n_range = len(operator.domain_shape), len(operator.range_shape)
    eta = usual_eta(n_iter) if eta is None else eta
    steps = ve_steps(n_iter, eta=eta) if process == "ve" else vp_steps(n_iter, eta=eta, rule=rule)
    b, yy = operator.adjoint(y), squared_norm(y, n_range)
    units = units_of(unit, yy, lambda: image_unit(operator, b))
    scale = over_image(units, b)
    b, yy = b / scale, yy / units.square()
    closer = _closer(operator, b, consistency, n_cg, gamma, noise, spread)

    def advanced(state: SamplerState) -> SamplerState:
        k, duals = int(state.steps), AxialDuals(state.d, state.u)
        step = steps[k]
        eps = predicted(prior, state.x, step.at, IMAGE_AXES, images_at_once)
        clean = denoised(state.x, eps, step.at)
        if axial is not None and k >= axial.start * len(steps):
            (image, normal), duals = axial_tv_sweep(operator, b, clean, duals, axial, n_cg=n_cg)
        else:
            image, normal = closer(clean, step.at)
        if seen is not None:
            image = image * seen  # what A makes of it stays the same
        if closer.renews_noise:
            eps = (state.x - step.at.signal * image) / step.at.noise
        fresh = drawn_alike(image, n_axes, (seed, k + 1), first_item) if step.fresh else None
        mean = image.mean(0)
        return SamplerState(
            recombined(image, eps, fresh, step),
            image,
            *duals,
            state.steps + 1,
            squared_misfit(mean, normal.mean(0), b, yy, n_axes),
            squared_norm(mean - state.image.mean(0), n_axes),
        )

    def measure(state: SamplerState) -> Measure:
        mean = state.image.mean(0)
        apart = squared_norm(state.image - mean, n_axes).sum(0) / max(samples - 1, 1)
        own = (state.misfit, yy, state.change, squared_norm(mean, n_axes), apart)
        squares = scalars(*(value * units.square() for value in own))  # items weigh as in the data
        misfit, norm, change, size, spreading = (value**0.5 for value in squares)
        figures = (("spread_of_samples", relative_change(spreading, size)),) if samples > 1 else ()
        return math.nan, relative_change(change, size), relative_change(misfit, norm), figures

    zero = b.new_zeros((samples, *b.shape))
    duals = zero if axial is not None else b.new_zeros(0)
    start = SamplerState(
        (steps[0].at.noise if process == "ve" else 1.0) * drawn_alike(zero, n_axes, (seed, 0), first_item),
        zero,
        duals,
        duals,
        torch.zeros((), dtype=torch.int64),
        yy,
        torch.zeros_like(yy),
    )
    state, trace = iterate(
        start,
        advanced,
        n_iter=len(steps),
        tol=0.0,
        measure=measure,
        image=lambda state: state.image.mean(0) * scale,
        monitor=monitor,
        resume=resume,
    )
    maps = {"std": deviation(state.image) * scale} if samples > 1 else {}
    return Reconstruction(state.image.mean(0) * scale, trace, maps=maps)


def _closer(
    operator: LinearOperator,
    b: Tensor,
    consistency: Literal["hard", "proximal", "adaptive"] | DataConsistency,
    n_cg: int,
    gamma: float,
    noise: float | None,
    spread: float,
) -> DataConsistency:
    if not isinstance(consistency, str):
        return consistency
    if consistency == "hard":
        return HardConsistency(operator, b, n_cg=n_cg)
    strength = gamma if consistency == "proximal" or noise is None else adaptive_gamma(noise, spread)
    return ProximalConsistency(operator, b, gamma=strength, n_cg=n_cg)

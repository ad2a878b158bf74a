"""Predictor-corrector sampling with a diffusion prior, and a step on the data after each of the two."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import image_unit, units_of
from proxflow.models.diffusion.noise_levels import Process, level_of, sigma_range
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.diffusion.sampling import drawn_alike, predicted
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import over_image, ratio, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor, iterate
from proxflow.models.solvers.misfit_measure import misfit_measure
from proxflow.operators.base import LinearOperator

Predictor = Literal["ancestral", "reverse_diffusion"]


class ScoreMriState(NamedTuple):
    """All that goes from one level to the next; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain), x_0 + sigma z of the next level
    image: Tensor  # x_0 as the prior denoised x; of the last level, x itself
    normal: Tensor  # A^H A image
    steps: Tensor  # int64: done
    change: Tensor  # ||image - the image before||^2


def score_mri(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: DiffusionPrior,
    n_iter: int = 200,
    process: Process = "vp",
    predictor: Predictor = "ancestral",
    snr: float = 0.16,
    n_correct: int = 1,
    data_weight: float = 1.0,
    last_data_weight: float = 0.2,
    unit: Tensor | float | None = None,
    seen: Tensor | None = None,
    seed: int = 0,
    first_item: int = 0,
    images_at_once: int = 8,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """Down a geometric grid of ``n_iter`` values of sigma from pure noise, for x = x_0 + sigma z, the score
    s(x, sigma) = (x_0(x) - x) / sigma^2, and sigma' after sigma, 0 after the last:

        x <- x + (sigma^2 - sigma'^2) s(x, sigma) + c z          predictor
        x <- x + w A^H (y - A x)
        x <- x + e s(x, sigma') + sqrt(2 e) z                    corrector, Langevin, n_correct times
             with e = 2 (snr ||z|| / ||s||)^2 for every item
        x <- x + w A^H (y - A x)

    where w falls linearly from ``data_weight`` to ``last_data_weight``. For one coil w = 1 replaces what was
    sampled of k-space, by data without added noise. The last level has no corrector.

    A variance-preserving prior, x_t = signal x_0 + noise eps, is given signal x at noise / signal = sigma.

    Args:
        operator: A of norm 1, of images (y, x) or volumes (z, y, x), whose slices the prior sees one by one.
        y: (*batch, *range).
        prior: of images with magnitudes of about 0 to 1; complex where A's images are.
        process: which noise levels the prior knows: sigma from 157 ("vp") or 378 ("ve") to 0.01.
        predictor: c^2 = sigma^2 - sigma'^2 for "reverse_diffusion", the published one, which needs hundreds
            of levels; times (sigma' / sigma)^2 for "ancestral", whose noise is right for few, too.
        unit, seen, seed, first_item, images_at_once: as of ``dds``.

    image: (*batch, *domain).  Raises ValueError for numbers out of range, DivergenceError on NaN or infinity.
    Source: Chung & Ye, Med. Image Anal. 80:102479 (2022), algorithms 2 to 5, with 2000 levels; they replace
    the samples of each coil, or combine coils every some levels, in place of the step with A^H. The falling
    weight is that of the released code of Chung et al., CVPR 2023 (DiffusionMBIR). Predictors: Song et al.,
    ICLR 2021, algorithm 2 and appendix F.
    """
    if n_iter < 2:
        raise ValueError(f"n_iter must be at least 2, got {n_iter}")
    if not (snr >= 0 and n_correct >= 0):
        raise ValueError(f"snr and n_correct must be at least 0, got {snr} and {n_correct}")
    if not (0 <= data_weight < 2 and 0 <= last_data_weight < 2):
        raise ValueError(f"data weights must be 0 to below 2, got {data_weight} and {last_data_weight}")
    n_axes = len(operator.domain_shape)
    b, yy = operator.adjoint(y), squared_norm(y, len(operator.range_shape))
    units = units_of(unit, yy, lambda: image_unit(operator, b))
    scale = over_image(units, b)
    b, yy = b / scale, yy / units.square()
    sigmas = [*_grid(n_iter, process), 0.0]

    def noise(count: int, draw: int) -> Tensor:
        return drawn_alike(b[None], n_axes, (seed, count, draw), first_item)[0]

    def clean(x: Tensor, sigma: float) -> Tensor:
        level = level_of(sigma, process)
        eps = predicted(prior, level.signal * x, level, 2, images_at_once)
        image = x - sigma * eps
        return image if seen is None else image * seen

    def nearer(x: Tensor, count: int) -> Tensor:
        weight = data_weight + (last_data_weight - data_weight) * count / (n_iter - 1)
        return x + weight * (b - operator.normal(x))

    def corrected(x: Tensor, sigma: float, z: Tensor) -> Tensor:
        score = (clean(x, sigma) - x) / sigma**2
        size = 2 * snr**2 * ratio(squared_norm(z, n_axes), squared_norm(score, n_axes))
        return x + over_image(size, x) * score + over_image((2 * size).sqrt(), x) * z

    def advanced(state: ScoreMriState) -> ScoreMriState:
        k = int(state.steps)
        sigma, to = sigmas[k], sigmas[k + 1]
        image = clean(state.x, sigma)
        kept = (to / sigma) ** 2
        x = (1 - kept) * image + kept * state.x
        if to:
            share = to / sigma if predictor == "ancestral" else 1.0
            x = x + share * math.sqrt(sigma**2 - to**2) * noise(k + 1, 0)
        x = nearer(x, k)
        for i in range(n_correct if to else 0):
            x = nearer(corrected(x, to, noise(k + 1, i + 1)), k)
        image = image if to else x
        change = squared_norm(image - state.image, n_axes)
        return ScoreMriState(x, image, operator.normal(image), state.steps + 1, change)

    zero = torch.zeros_like(b)
    count = torch.zeros((), dtype=torch.int64)
    state, trace = iterate(
        ScoreMriState(sigmas[0] * noise(0, 0), zero, zero, count, torch.zeros_like(yy)),
        advanced,
        n_iter=n_iter,
        tol=0.0,
        measure=lambda state: misfit_measure(
            scale * state.image,
            scale * state.normal,
            state.change * units**2,
            scale * b,
            yy * units**2,
            n_axes,
        ),
        image=lambda state: state.image * scale,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.image * scale, trace)


def _grid(n_levels: int, process: Process) -> list[float]:
    """Geometric, from the greatest sigma that the process knows to the least."""
    low, high = sigma_range(process)
    return [high * (low / high) ** (i / (n_levels - 1)) for i in range(n_levels)]

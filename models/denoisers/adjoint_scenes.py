"""Pairs of an adjoint image and the scene it is of, on which a network that reconstructs is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from proxflow.models.denoisers.draws import between, integer, step_generator
from proxflow.models.denoisers.scenes import SceneSettings, draw_magnitude, with_random_phase
from proxflow.operators.base import LinearOperator


@dataclass(frozen=True)
class MeasuredSettings:
    """How pairs are drawn; ``snr_db``: least and greatest."""

    scenes: SceneSettings = field(default_factory=SceneSettings)
    batch: int = 4
    snr_db: tuple[float, float] = (10.0, 30.0)


@dataclass(frozen=True)
class AdjointPairs:
    """inputs, clean: float32 (batch, 1, z, y, x), both with a peak of 1."""

    inputs: Tensor
    clean: Tensor


def draw_adjoints(
    operators: Mapping[int, LinearOperator],
    settings: MeasuredSettings,
    seed: int,
    step: int,
    device: torch.device | str = "cpu",
) -> AdjointPairs:
    """The pairs of one step, decided by (seed, step) alone: a training that goes on draws what it would have.

    One of ``operators`` is drawn for the step; for each scene a phase per voxel, a signal-to-noise ratio,
    uniform in dB, and noise: see ``measured`` and ``adjoint_magnitude``. Measuring happens on ``device``.
    """
    rng = step_generator(seed, step)
    operator = operators[sorted(operators)[integer(len(operators), rng)]]
    clean, inputs = [], []
    for _ in range(settings.batch):
        magnitude = draw_magnitude(settings.scenes, rng)
        y = measured(operator, magnitude, between(settings.snr_db, rng), rng, device)
        clean.append(magnitude)
        inputs.append(adjoint_magnitude(operator, y))
    return AdjointPairs(torch.stack(inputs)[:, None], torch.stack(clean)[:, None])


def measured(
    operator: LinearOperator,
    magnitude: Tensor,
    snr_db: float,
    rng: torch.Generator,
    device: torch.device | str = "cpu",
) -> Tensor:
    """y = A s + w, complex64: |s| is ``magnitude``, with a uniform phase for every voxel, and w circular
    Gaussian of variance (||A s||^2 / M) 10^(-SNR / 10) in all, half of it in each part, M the measurements.

    Source: the simulations of Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024).
    """
    scene = with_random_phase(magnitude, rng).to(device)
    clean = operator.forward(scene)
    noise = torch.randn(clean.shape, dtype=clean.dtype, generator=rng).to(device)
    deviation = clean.abs().square().mean().sqrt() * 10 ** (-snr_db / 20)
    return clean + deviation * noise


def adjoint_magnitude(operator: LinearOperator, y: Tensor) -> Tensor:
    """|A^H y| / max |A^H y|, the maximum of each item by itself; 0 where y is.

    y: complex (*batch, *range). Returns real (*batch, *domain).
    Source: the input of Deep2S (Manisali, Oral & Oktem, Digital Signal Process. 144:104274, 2024), whose code
    divides by the maximum of the batch, so that an image depends on those beside it.
    """
    return unit_magnitude(operator.adjoint(y), len(operator.domain_shape))


def unit_magnitude(image: Tensor, n_axes: int) -> Tensor:
    """|x| / max |x|, the maximum over the last ``n_axes`` axes; 0 where x is."""
    magnitude = image.abs()
    peak = magnitude.amax(tuple(range(-n_axes, 0)), keepdim=True)
    return magnitude / torch.where(peak > 0, peak, 1)

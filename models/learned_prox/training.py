"""Training of a learned proximal network on images: pairs, a gradient, and what is measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.draws import step_generator
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.diffusion.noisy_images import ImageSettings, channels_of, draw_images
from proxflow.models.learned_prox.expansion import largest_gains
from proxflow.models.learned_prox.matching import proximal_matching
from proxflow.models.learned_prox.stages import Stage, rate_at, stage_loss
from proxflow.models.learned_prox.widened import widened
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.judged import Judged, judged
from proxflow.models.networks.trainee import Trainee, trainee_of

AT_ONCE = 16
ONE_IN = 8  # images whose gain is found: each takes seven passes more
APART = 1 << 31  # of generators of pairs


class Pairs(NamedTuple):
    """x and y = x + sigma n, n of unit variance in every channel: float32 (n, channels, y, x)."""

    clean: Tensor
    noisy: Tensor


class GainPenalty(NamedTuple):
    """What differences that f enlarges cost, relative to the loss; their root mean squares, least and
    greatest, as ``reach_of`` tells; and what decides which are tried."""

    weight: float
    reach: tuple[float, float]
    seed: int


def lpn_trainee(network: Icnn, stages: Sequence[Stage], decay: float = 0.0) -> Trainee:
    """Before the first step, with Adam, the rates of ``stages``, falling in the end (``rate_at``), and a
    projection after each step."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=stages[0].rate, weight_decay=0.0)

    def rate_of(step: int) -> float:
        return rate_at(stages, step, decay)

    n_steps = sum(stage.n_steps for stage in stages)
    return trainee_of(network, optimiser, n_steps, rate_of, network.project_)


def draw_pairs(
    subjects: Sequence[Subject],
    settings: ImageSettings,
    sigma: float,
    seed: int,
    step: int,
    *,
    beyond: float = 0.0,
) -> Pairs:
    """What one step sees, decided by (seed, step) alone: ``draw_images``, ``widened`` by ``beyond``, and
    noise of std ``sigma``."""
    rng = step_generator(seed, step)
    clean = widened(channels_of(draw_images(subjects, settings, rng)), beyond, rng)
    return Pairs(clean, clean + sigma * torch.randn(clean.shape, generator=rng))


def find_lpn_gradient(
    trainee: Trainee, pairs: Pairs, stage: Stage, penalty: GainPenalty | None = None
) -> float:
    """The gradient of ``stage_loss``, which it returns; weights stay as they are. In float32: the slopes of
    beta = 100 do not bear less.

    With a ``penalty``, of loss (1 + weight mean max(0, gain - 1)), where the loss before ``weight`` is held
    fixed: ``largest_gains`` at the first eighth of the images, decided by (seed, step).
    """
    network = trainee.network
    device = next(network.parameters()).device
    clean, noisy = (part.to(device) for part in pairs)
    found = network(noisy)
    loss = whole = stage_loss(stage, found, clean)
    if penalty is not None:
        few = slice(math.ceil(len(noisy) / ONE_IN))
        rng = step_generator(penalty.seed + APART, trainee.step)
        gains = largest_gains(network, noisy[few], found[few], rng, reach=penalty.reach)
        whole = loss + penalty.weight * loss.detach() * (gains - 1).clamp_min(0).mean()
    trainee.optimiser.zero_grad()
    whole.backward()
    for parameter in network.parameters():
        if parameter.grad is None:  # psi's constant, of which f knows nothing; a checkpoint keeps its moments
            parameter.grad = torch.zeros_like(parameter)
    return float(loss.detach())


@torch.no_grad()
def judge_lpn(network: nn.Module, clean: Tensor, sigma: float, gamma: float) -> Judged:
    """Noisy and denoised images at the noise level that was trained, relative to a peak of 1; as the loss
    that of proximal matching.

    clean: float32 (n, channels, side, side), of which each gets the same noise in every call.
    """
    noisy = with_noise(clean, sigma)
    device = next(network.parameters()).device
    parts = [network(part.to(device)).cpu() for part in noisy.split(AT_ONCE)]
    found = torch.cat(parts)
    row = judged(f"{sigma:g}", list(zip(noisy, found, clean, strict=True)))
    return row._replace(loss=float(proximal_matching(found, clean, gamma)))


def with_noise(clean: Tensor, sigma: float) -> Tensor:
    """Of image i always the same."""
    drawn = [
        torch.randn(image.shape, generator=torch.Generator().manual_seed(i)) for i, image in enumerate(clean)
    ]
    return clean + sigma * torch.stack(drawn)

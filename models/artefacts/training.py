"""Training of networks against artefacts: a gradient, and what is measured of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from proxflow.models.artefacts.undersampled_images import Undersampled
from proxflow.models.methods.network_guess import network_guess
from proxflow.models.methods.reconresnet import consistent
from proxflow.models.metrics.ssim_loss import ssim_loss
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.base import LinearOperator

N_CG = 8  # of the consistency along spokes: more takes longer than all the networks' passes


class Case(NamedTuple):
    """truth: complex (side, side), peak about 1.  operator: of one coil."""

    truth: Tensor
    operator: LinearOperator


class Made(NamedTuple):
    """Magnitudes (side, side): the truth, zero-filled, of the network at the data's scale, and consistent."""

    truth: Tensor
    zero_filled: Tensor
    network: Tensor
    consistent: Tensor


class Scores(NamedTuple):
    """Means over cases, of the zero-filled image, the network's, and the consistent one.

    ssim: window and borders as in ``ssim_loss``, range 1.  psnr: dB, relative to a peak of 1.
    """

    ssim: tuple[float, float, float]
    psnr: tuple[float, float, float]


def find_ssim_gradient(trainee: Trainee, images: Undersampled, *, seed: int, mixed: bool) -> float:
    """The gradient of -SSIM(net(seen), wanted), which with range 1 is the loss of Chatterjee et al. (2022);
    returns 1 - SSIM, and weights stay as they are.

    Which channels are dropped is decided by (seed, step) alone; torch's own generator stays as it is.
    ``mixed``: convolutions in bfloat16, weights and the loss in float32.
    """
    network = trainee.network.train()
    device = next(network.parameters()).device
    seen, wanted = (part.to(device) for part in images)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed * 1_000_003 + trainee.step)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            found = network(seen.contiguous(memory_format=torch.channels_last))
    loss = ssim_loss(found.float(), wanted)
    trainee.optimiser.zero_grad()
    loss.backward()
    return 1 + float(loss.detach())


def made_of(network: nn.Module, case: Case, *, phase: Literal["low", "none"]) -> Made:
    """What ``reconresnet`` makes of the case's measurement, alone and consistent, by one pass; on the CPU.
    The case has no noise, so samples are fitted with mu = 0. Raises DivergenceError where the network's image
    is not finite."""
    y = case.operator.forward(case.truth)
    guess = network_guess(case.operator, y, network=_OnCpu(network), phase=phase)
    if not guess.image.isfinite().all():
        raise DivergenceError("the network's image must be finite", 1, guess.b)
    fitted = consistent(case.operator, y, guess, consistency="exact", mu=0.0, n_cg=N_CG)
    return Made(case.truth.abs(), guess.b.abs(), guess.image.abs(), fitted.abs())


def scores(made: Sequence[Made]) -> Scores:
    """Of all cases of a pattern."""
    columns = zip(*(one[1:] for one in made), strict=True)
    truths = [one.truth for one in made]
    similar, errors = [], []
    for column in columns:
        pairs = list(zip(column, truths, strict=True))
        similar.append(_mean([-float(ssim_loss(x[None, None], t[None, None])) for x, t in pairs]))
        errors.append(_mean([-10 * math.log10(float((x - t).square().mean())) for x, t in pairs]))
    return Scores((similar[0], similar[1], similar[2]), (errors[0], errors[1], errors[2]))


def judged_pattern(name: str, made: Sequence[Made]) -> Judged:
    """The zero-filled image before, the consistent one after."""
    found = scores(made)
    mse = _mean([float((one.consistent - one.truth).square().mean()) for one in made])
    before, after = found.ssim[0], found.ssim[2]
    return Judged(name, found.psnr[0], found.psnr[2], mse, ssim_before=before, ssim_after=after)


class _OnCpu(nn.Module):
    """A network on any device, of images on the CPU."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x.to(next(self.network.parameters()).device))
        return out.to(x.device)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

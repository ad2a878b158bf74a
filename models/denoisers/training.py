"""Training of a network that denoises single images: a step, and what is measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.noisy_crops import Crops
from proxflow.models.networks.channels_last import channels_last

LEARNING_RATE = 5e-4  # of the authors' script, as AdamW and the squared error are
WARM_UP = 50  # steps; without them the first ones may throw the network far off


@dataclass
class Trainee:
    """A network, its optimiser, and how many steps of how many are done; ``decay``: see ``learning_rate``."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    n_steps: int
    decay: float
    step: int = 0


def new_trainee(network: nn.Module, n_steps: int, decay: float = 0.5) -> Trainee:
    """Before the first step; the network's weights in the order of memory that is fastest on CPUs."""
    channels_last(network)
    return Trainee(network, torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE), n_steps, decay)


def learning_rate(step: int, n_steps: int, decay: float) -> float:
    """Of step 0, 1, ... of ``n_steps``: rising over 50 steps, flat, and over the last ``decay`` of all steps
    falling to 0 along half a cosine."""
    rise = min((step + 1) / WARM_UP, 1.0)
    into = max(step / n_steps - (1 - decay), 0.0) / decay if decay else 0.0
    return LEARNING_RATE * rise * 0.5 * (1 + math.cos(math.pi * into))


def find_gradient(trainee: Trainee, crops: Crops, *, low_noise: float | None, mixed: bool) -> float:
    """The gradient of the mean of w |mask (D(noisy) - clean)|^2, which it returns; weights stay as they are.

    w = s^2 / (s^2 + sigma^2), s = ``low_noise``, for crops with noise of std sigma, or 1 if that is None.
    Errors grow with sigma: with w = 1 strong noise alone decides, and a network trained as shortly as ours
    made images with noise below 1 % worse, which is where regularisation by denoising works.
    ``mixed``: convolutions in bfloat16, weights and the loss in float32.
    Differs in w from the authors' RSR-NF script (2025).
    """
    device = next(trainee.network.parameters()).device
    noisy, clean, mask = (part.to(device) for part in (crops.noisy, crops.clean, crops.mask))
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        denoised = trainee.network(noisy.contiguous(memory_format=torch.channels_last))
    errors = (mask * (denoised.float() - clean)).square()
    if low_noise is not None:
        errors = errors * (low_noise**2 / (low_noise**2 + crops.sigma.to(device) ** 2))
    loss = errors.mean()
    trainee.optimiser.zero_grad()
    loss.backward()
    return float(loss.detach())


def follow_gradient(trainee: Trainee) -> None:
    """One step of AdamW. Interrupted in its middle, it leaves weights of no step."""
    for group in trainee.optimiser.param_groups:
        group["lr"] = learning_rate(trainee.step, trainee.n_steps, trainee.decay)
    trainee.optimiser.step()
    trainee.step += 1


@torch.no_grad()
def psnr_per_level(
    network: nn.Module, images: Sequence[Tensor], levels: Sequence[float]
) -> list[tuple[float, float]]:
    """Mean PSNR in dB of the noisy and of the denoised images, relative to a peak of 1, at each noise level.

    images: float32 (y, x), of which each gets the same noise at every level and in every call.
    """
    device = next(network.parameters()).device
    rows = []
    for level in levels:
        before, after = [], []
        for i, image in enumerate(images):
            noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(i))
            noisy = image + level * noise
            denoised = network(noisy[None, None].to(device))[0, 0].cpu()
            before.append(_psnr(noisy, image))
            after.append(_psnr(denoised, image))
        rows.append((sum(before) / len(before), sum(after) / len(after)))
    return rows


def _psnr(image: Tensor, reference: Tensor) -> float:
    return -10 * math.log10(float((image - reference).square().mean()))

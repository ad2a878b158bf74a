"""Training of a network that denoises single images: a step, and what is measured of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.noisy_crops import Crops
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.judged import Judged, judged
from proxflow.models.networks.trainee import Trainee, new_trainee

LEARNING_RATE = 5e-4  # of the authors' script, as AdamW and the squared error are


def denoiser_trainee(network: nn.Module, n_steps: int, decay: float = 0.5) -> Trainee:
    """Before the first step; the network's weights in the order of memory that is fastest on CPUs."""
    return new_trainee(channels_last(network), n_steps, rate=LEARNING_RATE, decay=decay)


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


@torch.no_grad()
def judge_denoiser(network: nn.Module, images: Sequence[Tensor], levels: Sequence[float]) -> list[Judged]:
    """The noisy and the denoised images at each noise level, relative to a peak of 1.

    images: float32 (y, x), of which each gets the same noise at every level and in every call.
    """
    device = next(network.parameters()).device
    rows = []
    for level in levels:
        pairs = []
        for i, image in enumerate(images):
            noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(i))
            noisy = image + level * noise
            pairs.append((noisy, network(noisy[None, None].to(device))[0, 0].cpu(), image))
        rows.append(judged(f"{level:g}", pairs))
    return rows

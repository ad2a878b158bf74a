"""Training of a network that makes magnitudes of volumes: a gradient, and what is measured of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.noisy_scenes import NoiseLaw, with_noise
from proxflow.models.networks.judged import Judged, judged
from proxflow.models.networks.trainee import Trainee

NOISE_SEED = 4_290_000_000  # of judged volumes; trainings have smaller ones


def find_volume_gradient(trainee: Trainee, inputs: Tensor, clean: Tensor, *, mixed: bool) -> float:
    """The gradient of the mean of (net(inputs) - clean)^2, which it returns, in the mode that the network is
    in; weights stay as they are.

    inputs: float32 (n, channel, z, y, x).  clean: (n, 1, z, y, x).
    ``mixed``: convolutions in bfloat16, weights, running statistics and the loss in float32.
    """
    device = next(trainee.network.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        made = trainee.network(inputs.to(device).contiguous(memory_format=torch.channels_last_3d))
    loss = (made.float() - clean.to(device)).square().mean()
    trainee.optimiser.zero_grad()
    loss.backward()
    return float(loss.detach())


@torch.no_grad()
def applied(network: nn.Module, inputs: Tensor) -> Tensor:
    """net(inputs) of one volume with running statistics, in float32, on the CPU.

    inputs: (channel, z, y, x). Returns (z, y, x). The network's mode stays as it is.
    """
    device, training = next(network.parameters()).device, network.training
    try:
        volume = inputs[None].to(device).contiguous(memory_format=torch.channels_last_3d)
        made: Tensor = network.eval()(volume)[0, 0].cpu()
        return made
    finally:
        network.train(training)


def noisy_volume(scene: Tensor, sigma: float, index: int, law: NoiseLaw) -> Tensor:
    """(2, z, y, x): the scene with noise, the same for one index at every level, and the noise's std."""
    rng = torch.Generator().manual_seed(NOISE_SEED + index)
    parts = sigma * torch.randn((2, *scene.shape), generator=rng)
    return torch.stack([with_noise(scene, parts, law), torch.full_like(scene, sigma)])


def judge_volumes(
    network: nn.Module, scenes: Sequence[Tensor], levels: Sequence[float], law: NoiseLaw
) -> list[Judged]:
    """The noisy and the denoised scenes (z, y, x) at each noise level, as they leave the network."""
    rows = []
    for level in levels:
        pairs = []
        for index, scene in enumerate(scenes):
            inputs = noisy_volume(scene, level, index, law)
            pairs.append((inputs[0], applied(network, inputs), scene))
        rows.append(judged(f"{level:g}", pairs))
    return rows


def midpoints(sigma_high: float, n: int) -> tuple[float, ...]:
    """Noise levels whose mean is that over sigma in [0, sigma_high], by the midpoint rule."""
    return tuple(round(sigma_high * (2 * i + 1) / (2 * n), 10) for i in range(n))

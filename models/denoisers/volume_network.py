"""A network that is told the noise's level as a denoiser of volumes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.channels_last import channels_last

# Bytes that a voxel takes in the widest layers: 32 channels of skip, 64 that are put together, 32 that leave
VOXEL_BYTES = (32 + 64 + 32) * 4


class VolumeNetworkDenoiser:
    """D(x, sigma) = net([c x, c sigma]) / c of every volume, c = min(1, sigma_high / sigma).

    A network trained on noise up to ``sigma_high`` is never told more: noisier volumes are shrunk until
    their noise is within the range. No gradients are kept.

    Args:
        network: of (n, 2, z, y, x), the magnitude and the map of its noise.
        sigma_high: the strongest noise it was trained on.
        mixed: convolutions in bfloat16.
        memory_bytes: for its layers; one volume at a time at least.

    Computed in float32, returned in the volumes' dtype. Raises UnsuitableError for other than
    (n, z, y, x), or fewer than 4 voxels along an axis.
    Differs from the code of Oral & Oktem (2024), which divides volumes by their maximum and leaves sigma as
    it is, beyond the range where sigma^2 = 0.07.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        sigma_high: float,
        mixed: bool = False,
        memory_bytes: int | None = None,
    ) -> None:
        self.network = channels_last(network.eval().float(), 3)
        self.sigma_high = sigma_high
        self.mixed = mixed
        self.memory_bytes = memory_bytes

    @torch.no_grad()
    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        if magnitudes.ndim != 4 or min(magnitudes.shape[1:]) < 4:
            got = " x ".join(map(str, magnitudes.shape[1:]))
            raise UnsuitableError(f"denoiser must be one of images for an image of {got}, got one of volumes")
        shrink = min(1.0, self.sigma_high / sigma) if sigma else 1.0
        out = torch.empty_like(magnitudes)
        each = VOXEL_BYTES * magnitudes[0].numel()
        batch = 1 if self.memory_bytes is None else max(1, self.memory_bytes // each)
        for start in range(0, len(magnitudes), batch):
            part = magnitudes[start : start + batch, None].float() * shrink
            inputs = torch.cat([part, torch.full_like(part, shrink * sigma)], dim=1)
            with torch.autocast(part.device.type, torch.bfloat16, enabled=self.mixed):
                found = self.network(inputs.contiguous(memory_format=torch.channels_last_3d))
            out[start : start + batch] = found[:, 0].float() / shrink
        return out

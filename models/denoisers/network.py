"""A network as a denoiser of many images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from proxflow.models.networks.channels_last import channels_last

# Bytes that one pixel takes while a 64-channel layer is applied: what goes in, what comes out, and one copy.
PIXEL_BYTES = 3 * 64 * 4
FAST_BYTES = 32 << 20  # of the batch that was fastest on CPUs: more leaves their caches


class NetworkDenoiser:
    """D(x) = net(p x) / p on every image on its own, p the peak of the objects the network was trained on.

    The network is put into evaluation mode, float32, and channels-last order, in which it ran 1.5 times as
    fast on CPUs; no gradients are kept. Batches are as large as ``memory_bytes`` allow, one image at least,
    and no larger than what is fast.

    Args:
        network: of (n, 1, y, x).
        mixed: convolutions in bfloat16. Where the CPU has it this is twice as fast, and moves the result by
            8e-4 of the peak or less (rms; 5e-3 at most), see ``benchmarks/denoiser_rate.py``.
        pixel_bytes: what the network takes for each pixel of an image.

    images: real (n, y, x), any dtype: computed in float32, returned in their own.
    Raises ValueError if images has other than three axes.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        peak: float = 1.0,
        mixed: bool = False,
        memory_bytes: int | None = None,
        pixel_bytes: int = PIXEL_BYTES,
    ) -> None:
        self.network = channels_last(network.eval().float())
        self.peak = peak
        self.mixed = mixed
        self.memory_bytes = memory_bytes
        self.pixel_bytes = pixel_bytes

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        if images.ndim != 3:
            raise ValueError(f"images must have axes (n, y, x), got shape {tuple(images.shape)}")
        denoised = torch.empty_like(images)
        batch = self.batch_of(images.shape[-2:])
        for start in range(0, len(images), batch):
            part = images[start : start + batch, None].float().mul(self.peak)
            with torch.autocast(part.device.type, torch.bfloat16, enabled=self.mixed):
                out = self.network(part.contiguous(memory_format=torch.channels_last))
            denoised[start : start + batch] = out[:, 0].float().div_(self.peak)
        return denoised

    def batch_of(self, size: torch.Size) -> int:
        """Images of this size (y, x) that go through the network at once."""
        allowed = FAST_BYTES if self.memory_bytes is None else min(FAST_BYTES, self.memory_bytes)
        return max(1, allowed // (self.pixel_bytes * size.numel()))

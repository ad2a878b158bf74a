"""Joseph's line integrals by torch operations alone, on any device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.rays_2d import FRACTION_BITS, ONE_PIXEL, MarchedRays

CHUNK_POINTS = 1 << 22  # points of rays on lines held at once, times the slices


class TorchRays:
    """The same integrals as ``JosephRays``, gathered and scattered: x (slice, ny, nx), y (slice, n_rays).

    Rays go in chunks; the rays' numbers are copied to a device when first used there. On CUDA
    the adjoint's ``index_add_`` sums in no fixed order: results repeat to rounding only.
    """

    def __init__(self, marched: tuple[MarchedRays, MarchedRays], n_rays: int) -> None:
        self.marched = marched
        self.n_rays = n_rays
        self._on_device: dict[torch.device, list[dict[str, Tensor]]] = {}

    def forward(self, x: Tensor) -> Tensor:
        y = x.new_zeros(len(x), self.n_rays)
        for rays, numbers, images in zip(
            self.marched, self._numbers(x.device), (x, x.transpose(1, 2)), strict=True
        ):
            lines = torch.nn.functional.pad(images, (1, 2)).flatten(1)
            for chunk, at, fraction in _points(rays, numbers, len(x)):
                left, right = lines[:, at], lines[:, at + 1]
                integral = torch.lerp(left, right, fraction.to(x.dtype).expand_as(left)).sum(-1)
                y[:, numbers["index"][chunk]] = integral * numbers["weight"][chunk].to(x.dtype)
        return y

    def adjoint(self, y: Tensor) -> Tensor:
        total = y.new_zeros(len(y), self.marched[0].n_lines, self.marched[0].width)
        for rays, numbers, images in zip(
            self.marched, self._numbers(y.device), (total, total.transpose(1, 2)), strict=True
        ):
            lines = y.new_zeros(len(y), rays.n_lines * (rays.width + 3))
            for chunk, at, fraction in _points(rays, numbers, len(y)):
                value = y[:, numbers["index"][chunk]] * numbers["weight"][chunk].to(y.dtype)
                right = value[..., None] * fraction.to(y.dtype)
                lines.index_add_(1, at.flatten(), (value[..., None] - right).flatten(1))
                lines.index_add_(1, at.flatten() + 1, right.flatten(1))
            images += lines.unflatten(1, (rays.n_lines, rays.width + 3))[..., 1:-2]
        return total

    def _numbers(self, device: torch.device) -> list[dict[str, Tensor]]:
        if device not in self._on_device:
            names = ("index", "start", "step", "weight")
            self._on_device[device] = [
                {
                    name: torch.from_numpy(np.ascontiguousarray(getattr(rays, name))).to(device)
                    for name in names
                }
                for rays in self.marched
            ]
        return self._on_device[device]


def _points(
    rays: MarchedRays, numbers: dict[str, Tensor], n_slices: int
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Chunks of rays, where each meets each line of the padded image (ray, line), and the fraction beyond.

    Points outside the image are moved to the padding, where all pixels are zero.
    """
    line = torch.arange(rays.n_lines, device=numbers["start"].device)
    size = max(1, CHUNK_POINTS // (rays.n_lines * max(1, n_slices)))
    for begin in range(0, len(rays.index), size):
        chunk = slice(begin, begin + size)
        position = numbers["start"][chunk, None] + line * numbers["step"][chunk, None]
        position.clamp_(0, (rays.width + 1) * ONE_PIXEL)
        fraction = (position & (ONE_PIXEL - 1)).double() / ONE_PIXEL
        yield chunk, (position >> FRACTION_BITS) + line * (rays.width + 3), fraction

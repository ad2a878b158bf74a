"""Projections of a series by torch operations alone, on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.bilinear_frames import UNIT, BilinearFrames
from proxflow.operators.joseph_frames import JosephFrames
from proxflow.operators.rays_2d import FRACTION_BITS, ONE_PIXEL

CHUNK_POINTS = 1 << 22  # points interpolated at once


class Points(NamedTuple):
    """Pixels that rays of one image see.

    ray: int64 (ray,), places in the frame's measurements. pixel: int64 (ray, point) in the flattened image.
    weight: float64 (ray, point), zero where a point lies outside the image.
    """

    ray: Tensor
    pixel: Tensor
    weight: Tensor


class GatheredFrames:
    """The same numbers as ``frames``' kernels, gathered and scattered: x (m, ny, nx), y (m, n_rays).

    On CUDA the adjoint's ``index_add_`` sums in no fixed order: results repeat to rounding only.
    """

    def __init__(self, frames: JosephFrames | BilinearFrames) -> None:
        self.shape, self.n_rays = frames.shape, frames.n_rays
        self._points: Callable[[int, torch.device], Iterator[Points]]
        if isinstance(frames, JosephFrames):
            self._points = lambda frame, device: joseph_points(frames, frame, device)
        else:
            self._points = lambda frame, device: bilinear_points(frames, frame, device)

    def forward(self, x: Tensor, frames: np.ndarray) -> Tensor:
        y = x.new_zeros(len(x), self.n_rays)
        for image, seen, frame in zip(x.flatten(1), y, frames, strict=True):
            for ray, pixel, weight in self._points(int(frame), x.device):
                seen[ray] = (image[pixel] * weight.to(x.dtype)).sum(-1)
        return y

    def adjoint(self, y: Tensor, frames: np.ndarray) -> Tensor:
        x = y.new_zeros(len(y), *self.shape)
        for image, seen, frame in zip(x.flatten(1), y, frames, strict=True):
            for ray, pixel, weight in self._points(int(frame), y.device):
                image.index_add_(0, pixel.flatten(), (seen[ray, None] * weight.to(y.dtype)).flatten())
        return x


def joseph_points(frames: JosephFrames, frame: int, device: torch.device) -> Iterator[Points]:
    """Where the rays of ``frame`` meet its image's rows, then where others meet its columns."""
    ny, nx = frames.shape
    for by_columns in (0, 1):
        n_lines, width = ((ny, nx), (nx, ny))[by_columns]
        begin, end = frames.edges[2 * frame + by_columns : 2 * frame + by_columns + 2]
        line = torch.arange(n_lines, device=device)
        size = max(1, CHUNK_POINTS // n_lines)
        for first in range(begin, end, size):
            chunk = slice(first, min(first + size, end))
            start, step, weight = (
                torch.from_numpy(array[chunk, None]).to(device)
                for array in (frames.start, frames.step, frames.weight)
            )
            position = (start + line * step).clamp_(0, (width + 1) * ONE_PIXEL)
            fraction = (position & (ONE_PIXEL - 1)).double() / ONE_PIXEL
            across = torch.stack([position >> FRACTION_BITS, (position >> FRACTION_BITS) + 1], -1) - 1
            weights = weight[..., None] * torch.stack([1 - fraction, fraction], -1)
            weights = torch.where((across >= 0) & (across < width), weights, 0.0)
            across = across.clamp(0, width - 1)
            pixel = across * nx + line[:, None] if by_columns else line[:, None] * nx + across
            ray = torch.from_numpy(frames.place[chunk]).long().to(device)
            yield Points(ray, pixel.flatten(1), weights.flatten(1))


def bilinear_points(frames: BilinearFrames, frame: int, device: torch.device) -> Iterator[Points]:
    """The four pixels around every sample of every ray of ``frame``, view by view."""
    n = frames.shape[0]
    axis = torch.arange(n, dtype=torch.float64, device=device) - n // 2
    for view, (cos, sin) in enumerate(zip(frames.cos[frame], frames.sin[frame], strict=True)):
        row = n // 2 + (axis * float(cos) - axis[:, None] * float(sin)) * UNIT
        column = n // 2 + (axis[:, None] * float(cos) + axis * float(sin)) * UNIT
        top, left = row.floor(), column.floor()
        pixels, weights = [], []
        for i, vertical in ((top, 1 - (row - top)), (top + 1, row - top)):
            for j, horizontal in ((left, 1 - (column - left)), (left + 1, column - left)):
                inside = (i >= 0) & (i < n) & (j >= 0) & (j < n)
                pixels.append((i.clamp(0, n - 1) * n + j.clamp(0, n - 1)).long())
                weights.append(torch.where(inside, frames.pixel_size * vertical * horizontal, 0.0))
        ray = torch.arange(view * n, (view + 1) * n, device=device)
        yield Points(ray, torch.cat(pixels, -1), torch.cat(weights, -1))

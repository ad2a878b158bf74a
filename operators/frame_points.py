"""Projections of a series by torch operations alone, on any device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.bilinear_frames import UNIT, BilinearFrames
from proxflow.operators.joseph_frames import JosephFrames
from proxflow.operators.rays_2d import FRACTION_BITS, ONE_PIXEL

CHUNK_POINTS = 1 << 22  # points interpolated at once


class Points(NamedTuple):
    """Pixels that rays see, of images and measurements flattened together.

    ray: int64 (ray,), places among the measurements. pixel: int64 (ray, point), places among the pixels.
    weight: float64 (ray, point), zero where a point lies outside its image.
    """

    ray: Tensor
    pixel: Tensor
    weight: Tensor


class GatheredFrames:
    """The same numbers as ``frames``' kernels, gathered and scattered: x (m, ny, nx), y (m, n_rays).

    Rays go in chunks, all frames alike. On CUDA the adjoint's ``index_add_`` sums in no fixed order: results
    repeat to rounding only.
    """

    def __init__(self, frames: JosephFrames | BilinearFrames) -> None:
        self.shape, self.n_rays, self._frames = frames.shape, frames.n_rays, frames

    def forward(self, x: Tensor, frames: np.ndarray) -> Tensor:
        y = x.new_zeros(len(x), self.n_rays)
        for ray, pixel, weight in self._points(frames, x.device):
            y.view(-1)[ray] = (x.reshape(-1)[pixel] * weight.to(x.dtype)).sum(-1)
        return y

    def adjoint(self, y: Tensor, frames: np.ndarray) -> Tensor:
        x = y.new_zeros(len(y), *self.shape)
        for ray, pixel, weight in self._points(frames, y.device):
            spread = y.reshape(-1)[ray, None] * weight.to(y.dtype)
            x.view(-1).index_add_(0, pixel.flatten(), spread.flatten())
        return x

    def _points(self, frames: np.ndarray, device: torch.device) -> Iterator[Points]:
        if isinstance(self._frames, JosephFrames):
            return joseph_points(self._frames, frames, device)
        return bilinear_points(self._frames, frames, device)


def joseph_points(kernels: JosephFrames, frames: np.ndarray, device: torch.device) -> Iterator[Points]:
    """Where rays meet the rows of the image of their frame, then where others meet its columns."""
    ny, nx = kernels.shape
    for by_columns in (0, 1):
        n_lines, width = ((ny, nx), (nx, ny))[by_columns]
        begin, end = (kernels.edges[2 * frames + side] for side in (by_columns, by_columns + 1))
        item = np.repeat(np.arange(len(frames)), end - begin)
        taken = np.concatenate([np.arange(*pair) for pair in zip(begin, end, strict=True)])
        line = torch.arange(n_lines, device=device)
        size = max(1, CHUNK_POINTS // n_lines)
        for first in range(0, len(taken), size):
            rays, items = taken[first : first + size], item[first : first + size]
            start, step, weight, image, place = (
                torch.from_numpy(array).to(device)
                for array in (
                    kernels.start[rays, None],
                    kernels.step[rays, None],
                    kernels.weight[rays, None, None],
                    items[:, None, None] * (ny * nx),
                    items * kernels.n_rays + kernels.place[rays],
                )
            )
            position = (start + line * step).clamp_(0, (width + 1) * ONE_PIXEL)
            fraction = (position & (ONE_PIXEL - 1)).double() / ONE_PIXEL
            across = torch.stack([position >> FRACTION_BITS, (position >> FRACTION_BITS) + 1], -1) - 1
            weights = weight * torch.stack([1 - fraction, fraction], -1)
            weights = torch.where((across >= 0) & (across < width), weights, 0.0)
            across = across.clamp(0, width - 1)
            pixel = across * nx + line[:, None] if by_columns else line[:, None] * nx + across
            yield Points(place, (image + pixel).flatten(1), weights.flatten(1))


def bilinear_points(kernels: BilinearFrames, frames: np.ndarray, device: torch.device) -> Iterator[Points]:
    """The four pixels around every sample of every ray."""
    n, n_views = kernels.shape[0], kernels.cos.shape[1]
    n_rays = len(frames) * n_views * n
    axis = torch.arange(n, dtype=torch.float64, device=device) - n // 2
    size = max(1, CHUNK_POINTS // (4 * n))
    for first in range(0, n_rays, size):
        ray = np.arange(first, min(first + size, n_rays))
        item, view = ray // (n_views * n), ray // n % n_views
        cos, sin = (
            torch.from_numpy(turn[frames[item], view, None] * UNIT).to(device)
            for turn in (kernels.cos, kernels.sin)
        )
        image, bin_ = (
            torch.from_numpy(index[:, None]).to(device) for index in (item * n * n, ray % n - n // 2)
        )
        row, column = n // 2 + axis * cos - bin_ * sin, n // 2 + bin_ * cos + axis * sin
        top, left = row.floor(), column.floor()
        pixels, weights = [], []
        for i, vertical in ((top, 1 - (row - top)), (top + 1, row - top)):
            for j, horizontal in ((left, 1 - (column - left)), (left + 1, column - left)):
                inside = (i >= 0) & (i < n) & (j >= 0) & (j < n)
                pixels.append(image + (i.clamp(0, n - 1) * n + j.clamp(0, n - 1)).long())
                weights.append(torch.where(inside, kernels.pixel_size * vertical * horizontal, 0.0))
        yield Points(torch.from_numpy(ray).to(device), torch.cat(pixels, -1), torch.cat(weights, -1))

"""Fourier transforms of many frames, each at a few points of its own, by interpolation on grids.

finufft plans, allocates and transforms for every frame alone. Here uniform transforms of several frames and
coils are one batch, and a frame's own part is a short interpolation. An image that many frames see is
transformed once.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.interpolation import sample_grids, spread_on_grids
from proxflow.operators.threads import run_chunks
from proxflow.operators.toeplitz import fft_size


class Precision(NamedTuple):
    """oversampling: of the grid, relative to the image.  width: of the kernel, in points of the grid."""

    oversampling: float
    width: int  # 4 k: kernels hold eight real numbers, four of a row's complex ones, at a time


# Errors seen: 2e-5 and 3e-12 of the norm.
PRECISIONS = {torch.complex64: Precision(1.25, 8), torch.complex128: Precision(2.0, 12)}


class Tables(NamedTuple):
    """Where points (frame, m) lie on the grid: the first of ``width`` places along each axis, int32
    (frame, m), not yet wrapped, and the kernel there, real (frame, m, width)."""

    first_y: Tensor
    first_x: Tensor
    along_y: Tensor
    along_x: Tensor

    def of(self, frames: slice) -> Tables:
        return Tables(*(table[frames] for table in self))


class FrameGridding:
    """The sums  y_tm = sum_n x_tn exp(-i p_tm . n)  and their adjoint, for all frames t, several x of each.

    Args:
        points: float64 (frame, m, 2), p in radians per pixel, (y, x) order, with period 2 pi.
        shape: (ny, nx) of x; pixel indices n run from -(n // 2), the centre being ``n // 2``.
        dtype: complex64 or complex128, which decides the precision.

    Each sum is interpolated by a Kaiser-Bessel kernel on the finer grid of a DFT of the image, which is
    divided by the kernel's transform first. ``spread`` and ``images`` are the transposes of ``sample`` and
    ``grids``, so that the pair is adjoint to rounding whatever the error of the interpolation.
    Source: Beatty, Nishimura & Pauly, IEEE Trans. Med. Imaging 24:799 (2005), for the kernel.
    """

    def __init__(
        self, points: Tensor, shape: tuple[int, int], dtype: torch.dtype, device: torch.device
    ) -> None:
        oversampling, width = PRECISIONS[dtype]
        real = torch.float32 if dtype == torch.complex64 else torch.float64
        sizes = [max(fft_size(int(np.ceil(oversampling * n))), fft_size(width)) for n in shape]
        self.shape, self.grid = shape, (sizes[0], sizes[1])
        self.start = [g // 2 - n // 2 for g, n in zip(sizes, shape, strict=True)]
        beta = np.pi * np.sqrt((width / oversampling) ** 2 * (oversampling - 0.5) ** 2 - 0.8)
        decays = [_decay(n, g, width, beta) for n, g in zip(shape, sizes, strict=True)]
        self.decay = torch.from_numpy(np.outer(*decays)).to(device, real)
        along = [_weights(points[..., axis].numpy(), sizes[axis], width, beta) for axis in (0, 1)]
        first = [torch.from_numpy(places).to(device) for places, _ in along]
        weights = [torch.from_numpy(values).to(device, real) for _, values in along]
        self.tables = Tables(*first, *weights)

    @property
    def nbytes(self) -> int:
        """What the tables hold."""
        return sum(table.nbytes for table in (*self.tables, self.decay))

    def grids(self, images: Tensor) -> Tensor:
        """Images (n, coil, ny, nx) on the finer grid of k-space, (n, coil, gy, gx)."""
        padded = images.new_zeros(*images.shape[:2], *self.grid)
        torch.mul(images, self.decay, out=self._inside(padded))
        return torch.fft.fft2(padded)

    def images(self, grids: Tensor) -> Tensor:
        """The adjoint of ``grids``."""
        return self._inside(torch.fft.ifft2(grids, norm="forward")) * self.decay

    def sample(self, grids: Tensor, frames: slice) -> Tensor:
        """Grids (n, coil, gy, gx) at the points of these n frames, (n, coil, m); one grid is that of all."""
        tables = self.tables.of(frames)
        found = grids.new_empty(len(tables.first_y), grids.shape[1], tables.first_y.shape[1])
        if grids.device.type == "cpu":
            work = partial(sample_grids, *_arrays(grids, tables, found))
            run_chunks(work, len(found) * found.shape[1])
            return found
        for frame, one in enumerate(found):
            places, weights = self._flat(tables, frame)
            one.copy_((grids[frame if len(grids) > 1 else 0].flatten(1)[:, places] * weights).sum(-1))
        return found

    def spread(self, samples: Tensor, frames: slice) -> Tensor:
        """The adjoint of ``sample``: (n, coil, m) to (n, coil, gy, gx)."""
        tables = self.tables.of(frames)
        grids = samples.new_zeros(*samples.shape[:2], *self.grid)
        if samples.device.type == "cpu":
            work = partial(spread_on_grids, *_arrays(grids, tables, samples.contiguous()))
            run_chunks(work, len(samples) * samples.shape[1])
            return grids
        for frame, (one, grid) in enumerate(zip(samples, grids, strict=True)):
            places, weights = self._flat(tables, frame)
            grid.view(len(grid), -1).index_add_(1, places.flatten(), (one[..., None] * weights).flatten(1))
        return grids

    def _inside(self, padded: Tensor) -> Tensor:
        (y, x), (ny, nx) = self.start, self.shape
        return padded[..., y : y + ny, x : x + nx]

    def _flat(self, tables: Tables, frame: int) -> tuple[Tensor, Tensor]:
        """Places on a flattened grid and weights, (m, width^2), of one frame."""
        steps = torch.arange(tables.along_y.shape[-1], device=tables.first_y.device)
        rows = (tables.first_y[frame, :, None] + steps) % self.grid[0]
        columns = (tables.first_x[frame, :, None] + steps) % self.grid[1]
        places = rows[..., None] * self.grid[1] + columns[:, None]
        weights = tables.along_y[frame, ..., None] * tables.along_x[frame, :, None]
        return places.flatten(1), weights.flatten(1)


def _arrays(grids: Tensor, tables: Tables, samples: Tensor) -> tuple[object, ...]:
    """The arguments of the kernels: complex numbers as pairs of real ones."""
    reals = torch.view_as_real(grids).flatten().numpy(), torch.view_as_real(samples).flatten().numpy()
    shape = (*grids.shape[:1], samples.shape[1], *grids.shape[2:])
    return reals[0], np.array(shape, dtype=np.int64), *(table.numpy() for table in tables), reals[1]


def _weights(points: np.ndarray, grid: int, width: int, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """int32 (frame, m) and float64 (frame, m, width): the first place on the grid, and the kernel from there.

    DC lies in the middle of the grid, and so do images: a shift of both is a factor of -1 in the weights here
    and in ``_decay``.
    """
    position = points * (grid / (2 * np.pi)) + grid // 2
    first = np.ceil(position - width / 2)
    places = first[..., None] + np.arange(width)
    inside = np.clip(1 - (2 * (places - position[..., None]) / width) ** 2, 0, None)
    weights = np.i0(beta * np.sqrt(inside)) * np.where((places - grid // 2) % 2, -1.0, 1.0)
    return (first % grid).astype(np.int32), weights


def _decay(n: int, grid: int, width: int, beta: float) -> np.ndarray:
    """One over the kernel's Fourier transform at pixels -(n // 2) ... of an image on that grid."""
    pixels = np.arange(n) - n // 2
    root = np.sqrt((beta**2 - (np.pi * width * pixels / grid) ** 2).astype(np.complex128))
    transform = (width * np.sinc(1j * root / np.pi)).real  # sinh(z) / z = sinc(i z / pi)
    return np.where((pixels + grid // 2) % 2, -1.0, 1.0) / transform

"""Multi-coil non-Cartesian MRI: samples along any trajectory."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes
from proxflow.operators.nufft import DOUBLE_TOLERANCE, Nufft
from proxflow.operators.sense_checks import check_coil_maps, check_trajectory, check_weights
from proxflow.operators.toeplitz import (
    ToeplitzTables,
    add_combined_,
    fft_size,
    toeplitz_normal,
    toeplitz_spectra,
    toeplitz_tables,
)

COIL_IMAGE_BYTES = {"cpu": 64 << 20, "cuda": 1 << 30}  # coil images held at once


class NonCartesianSense(LinearOperator):
    """Multi-coil MRI along a trajectory: y_c = W^(1/2) F S_c x, with

        (F u)_m = 1/sqrt(ny nx) sum_n u_n exp(-2 pi i (ky_m iy / ny + kx_m ix / nx)),

    iy, ix counted from the pixel (ny // 2, nx // 2), so that on the points of the Cartesian grid F is the
    centred orthonormal DFT of ``fft2c``.

    Args:
        trajectory: float (sample, 2), (ky, kx) in cycles per field of view, within ±n/2 (and one more).
        coil_maps: complex (coil, ny, nx). For a single coil without a map pass ones of shape (1, ny, nx).
        weights: real (sample,), not negative: w of each sample; None for one. With the areas of
            ``radial_density`` or ``pipe_menon_density``, ``adjoint(w^(1/2) samples)`` is gridding.
        tolerance: relative l2 error of F; None for 3e-5 in single and 1e-12 in double precision.
        n_readout: samples of each spoke, one after the other, where the samples are such; kept for those who
            need to know, as ``radial_density`` does.

    x: complex (*batch, ny, nx), any unit.  y: complex (*batch, coil, sample), the unit of x. Results have
    the dtype of the input: the maps are converted to it once and kept, so give them in the dtype of the
    images. The trajectory is kept in double precision on the CPU, whatever the module is moved to.
    Differentiable in x and y. ``adjoint`` is that of the computed ``forward``, to rounding. ``normal`` is a
    convolution, made at its first call, and equals adjoint(forward(x)) to the tolerance. Work is done on
    the box of pixels where any map is not zero.

    Raises ValueError if an argument has the wrong shape or dtype, is not finite or out of range.
    Source: Pruessmann et al., Magn. Reson. Med. 46:638 (2001).
    """

    coil_maps: Tensor

    def __init__(
        self,
        trajectory: Tensor,
        coil_maps: Tensor,
        *,
        weights: Tensor | None = None,
        tolerance: float | None = None,
        n_readout: int | None = None,
    ) -> None:
        super().__init__()
        if n_readout is not None and (n_readout < 1 or len(trajectory) % n_readout):
            raise ValueError(f"n_readout must divide the {len(trajectory)} samples, got {n_readout}")
        self.n_readout = n_readout
        self.tolerance = tolerance
        check_coil_maps(coil_maps)
        check_trajectory(trajectory, (coil_maps.shape[1], coil_maps.shape[2]))
        if weights is not None:
            check_weights(weights, len(trajectory))
        self.register_buffer("coil_maps", coil_maps)
        self.trajectory = trajectory.detach().to("cpu", torch.float64)
        self.weights = None if weights is None else weights.detach().to("cpu", torch.float64)
        self.domain_shape = tuple(coil_maps.shape[1:])
        self.range_shape = (len(coil_maps), len(trajectory))
        self._box = bounding_box(self.support)
        sizes = torch.tensor(self.domain_shape, dtype=torch.float64)
        points = self.trajectory * (2 * torch.pi / sizes)
        self._nufft = Nufft(points, (_size(self._box[0]), _size(self._box[1])), tolerance)
        self._tables: dict[tuple[torch.dtype, torch.device], _Tables] = {}
        self._normal_tables: dict[tuple[torch.dtype, torch.device], ToeplitzTables] = {}

    @property
    def support(self) -> Tensor:
        """bool (ny, nx): where any coil map is not zero."""
        return (self.coil_maps != 0).any(0)

    def weighted(self, weights: Tensor) -> NonCartesianSense:
        """The same samples with these weights, as accurate, in place of its own."""
        return NonCartesianSense(
            self.trajectory,
            self.coil_maps,
            weights=weights,
            tolerance=self.tolerance,
            n_readout=self.n_readout,
        )

    def forward(self, x: Tensor) -> Tensor:
        _check_input("x", x, self.domain_shape)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        _check_input("y", y, self.range_shape)
        return apply_linear(y, self._adjoint, self._forward)

    def normal(self, x: Tensor) -> Tensor:
        _check_input("x", x, self.domain_shape)
        return apply_linear(x, self._normal, self._normal)

    def _forward(self, x: Tensor) -> Tensor:
        tables = self._tables_for(x)
        images = x[..., self._box[0], self._box[1]].reshape(-1, *self._nufft.shape)
        y = x.new_empty(len(images), *self.range_shape)
        for item, coils in self._chunks(images):
            samples = self._nufft.forward(tables.coil_maps[coils] * images[item])
            torch.mul(samples, tables.sample_weights, out=y[item, coils])
        return y.reshape(*x.shape[:-2], *self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        tables = self._tables_for(y)
        samples = y.reshape(-1, *self.range_shape)
        images = y.new_zeros(len(samples), *self.domain_shape)
        boxes = images[:, self._box[0], self._box[1]]
        for item, coils in self._chunks(boxes):
            coil_images = self._nufft.adjoint(samples[item, coils] * tables.conjugate_weights)
            add_combined_(boxes[item], coil_images.conj_physical_(), tables.coil_maps[coils])
        return images.conj_physical_().reshape(*y.shape[:-2], *self.domain_shape)

    def _normal(self, x: Tensor) -> Tensor:
        tables = self._normal_tables_for(x)
        padded = x.new_zeros(*x.shape[:-2], *tables.coil_maps.shape[1:])
        inside = (..., slice(0, self._nufft.shape[0]), slice(0, self._nufft.shape[1]))
        padded[inside] = x[..., self._box[0], self._box[1]]
        result = x.new_zeros(x.shape)
        items = padded.reshape(-1, *tables.coil_maps.shape[1:])
        boxes = result.view(-1, *self.domain_shape)[:, self._box[0], self._box[1]]
        for image, box in zip(items, boxes, strict=True):
            box.copy_(toeplitz_normal(image, tables)[inside])
        return result

    def _chunks(self, images: Tensor) -> Iterator[tuple[int, slice]]:
        """An item and some of its coils at a time."""
        n_coils = self.range_shape[0]
        image_bytes = max(prod(self._nufft.shape), self.range_shape[1]) * images.element_size()
        at_once = max(1, COIL_IMAGE_BYTES[images.device.type] // image_bytes)
        for item in range(len(images)):
            for coil in range(0, n_coils, at_once):
                yield item, slice(coil, coil + at_once)

    def _tables_for(self, array: Tensor) -> _Tables:
        key = array.dtype, array.device
        if key not in self._tables:
            maps = self.coil_maps[:, self._box[0], self._box[1]].to(array.dtype).contiguous()
            centre = [n // 2 for n in self.domain_shape]
            box_centre = [_start(b) + n // 2 for b, n in zip(self._box, self._nufft.shape, strict=True)]
            offset = torch.tensor(box_centre, dtype=torch.float64) - torch.tensor(centre)
            magnitude = (self._density() / prod(self.domain_shape)).sqrt()
            weights = torch.polar(magnitude, -(self._nufft.points @ offset)).to(array.device)
            both = weights.to(array.dtype), weights.conj().resolve_conj().to(array.dtype)
            self._tables[key] = _Tables(maps, *both)
        return self._tables[key]

    def _normal_tables_for(self, array: Tensor) -> ToeplitzTables:
        key = array.dtype, array.device
        if key not in self._normal_tables:
            maps = self._tables_for(array).coil_maps
            shape = (fft_size(maps.shape[1]), fft_size(maps.shape[2]))  # the maps are padded to it by zeros
            if shape != maps.shape[1:]:
                padding = (0, shape[1] - maps.shape[2], 0, shape[0] - maps.shape[1])
                maps = torch.nn.functional.pad(maps, padding)
            tolerance = DOUBLE_TOLERANCE if array.dtype == torch.complex128 else 1e-7
            density = self._density() / prod(self.domain_shape)
            spectra = toeplitz_spectra(self._nufft.points, density, shape, tolerance)
            self._normal_tables[key] = toeplitz_tables(maps, spectra)
        return self._normal_tables[key]

    def _density(self) -> Tensor:
        ones = torch.ones(self.range_shape[1], dtype=torch.float64)
        return ones if self.weights is None else self.weights

    def _apply(self, fn: Any, recurse: bool = True) -> NonCartesianSense:
        self._tables.clear()  # .to(...) replaces the maps that they were made from
        self._normal_tables.clear()
        return super()._apply(fn, recurse)


class _Tables(NamedTuple):
    """What one dtype on one device needs."""

    coil_maps: Tensor  # complex (coil, y, x) of the box
    sample_weights: Tensor  # sqrt(w / (ny nx)) exp(-i p . o), o from the image's centre to the box's
    conjugate_weights: Tensor


def _check_input(name: str, array: Tensor, shape: tuple[int, ...]) -> None:
    check_trailing_axes(name, array, shape)
    if array.dtype not in (torch.complex64, torch.complex128):
        raise ValueError(f"{name} must be complex64 or complex128, got {array.dtype}")


def bounding_box(support: Tensor) -> tuple[slice, slice]:
    """Rows and columns from the first to the last True; one pixel if there is none."""
    if not bool(support.any()):
        return slice(0, 1), slice(0, 1)
    edges = []
    for axis in (1, 0):
        inside = support.any(axis).nonzero()
        edges.append(slice(int(inside.min()), int(inside.max()) + 1))
    return edges[0], edges[1]


def _start(box: slice) -> int:
    return int(box.start)


def _size(box: slice) -> int:
    return int(box.stop - box.start)

"""Multi-coil MRI of an object that changes: frames on the Cartesian grid, or along a few spokes each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxflow.operators.base import apply_linear
from proxflow.operators.cartesian_sense import (
    CPU_CHUNK_BYTES_PER_THREAD,
    GPU_CHUNK_BYTES,
    CartesianSense,
)
from proxflow.operators.frame_gridding import FrameGridding
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.non_cartesian_sense import bounding_box
from proxflow.operators.sense_checks import check_coil_maps, check_trajectory


class FrameSenseCartesian(FrameOperator):
    """y_tc = M_t F S_c x_t, F the centred unitary 2-D DFT, as ``CartesianSense`` has it.

    Args:
        mask: bool (T, ny, nx), True where k-space is sampled; DC at (ny // 2, nx // 2).
        coil_maps: complex (coil, ny, nx), the same of all frames.

    x: complex (*batch, T, ny, nx).  y: complex (*batch, T, coil, ny, nx), the unit of x. Frames are
    transformed in one batch, within the memory that ``CartesianSense`` allows; ``normal`` shifts no array.
    Raises ValueError if an argument has the wrong shape or dtype.
    """

    def __init__(self, mask: Tensor, coil_maps: Tensor) -> None:
        self._check(mask, coil_maps)
        super().__init__(mask, tuple(coil_maps.shape[1:]), tuple(coil_maps.shape))
        everywhere = torch.ones(coil_maps.shape[1:], dtype=torch.bool, device=coil_maps.device)
        self.sense = CartesianSense(everywhere, coil_maps)

    @property
    def coil_maps(self) -> Tensor:
        """complex (coil, ny, nx)."""
        return self.sense.coil_maps

    @property
    def support(self) -> Tensor:
        """bool (T, ny, nx): where any coil map is not zero."""
        return self.sense.support.expand(self.domain_shape)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[:, None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return self.sense.forward(x)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return self.sense.adjoint(y)

    def normal_of(self, x: Tensor, frames: slice) -> Tensor:
        weights = torch.fft.ifftshift(self.mask[frames], dim=(-2, -1)).to(x.real.dtype) * self.gain**2

        def normal(images: Tensor) -> Tensor:
            maps, result = self.coil_maps.to(images.dtype), torch.zeros_like(images)
            at_once = _frames_at_once(images, len(maps))
            for start in range(0, len(images), at_once):
                piece = slice(start, start + at_once)
                samples = torch.fft.fft2(maps * images[piece, None]).mul_(weights[piece, None])
                for coil, coil_map in zip(torch.fft.ifft2(samples).unbind(1), maps, strict=True):
                    result[piece].addcmul_(coil, coil_map.conj())
            return result

        return apply_linear(x, normal, normal)

    @staticmethod
    def _check(mask: Tensor, coil_maps: Tensor) -> None:
        if coil_maps.ndim != 3 or mask.ndim != 3 or mask.shape[1:] != coil_maps.shape[1:]:
            raise ValueError(
                "mask must have shape (frame, ny, nx) like coil_maps (coil, ny, nx), got "
                f"{tuple(mask.shape)} and {tuple(coil_maps.shape)}"
            )


def _frames_at_once(images: Tensor, n_coils: int) -> int:
    """Frames whose coil images stay in a processor's cache; on a GPU as many as its memory may lend."""
    on_cpu = images.device.type == "cpu"
    budget = CPU_CHUNK_BYTES_PER_THREAD * torch.get_num_threads() if on_cpu else GPU_CHUNK_BYTES
    return max(1, budget // (n_coils * prod(images.shape[1:]) * images.element_size()))


class FrameSenseRadial(FrameOperator):
    """y_tc = M_t F_t S_c x_t along the trajectory of each frame, F_t as ``NonCartesianSense`` has it.

    Args:
        trajectory: float (T, spoke, readout, 2), (ky, kx) in cycles per field of view, within ±n/2 (and one
            more).
        coil_maps: complex (coil, ny, nx), the same of all frames.
        mask: bool (T, spoke), the spokes that are measured; None for all of them.

    x: complex (*batch, T, ny, nx).  y: complex (*batch, T, coil, spoke, readout), the unit of x. F_t is
    computed to 2e-5 of the norm in single and 1e-11 in double precision, by ``FrameGridding``, on the box of
    pixels where any map is not zero. Frames that are views of one image (``x.expand``) share its transforms.
    ``normal`` is adjoint(forward(x)): the convolution of ``NonCartesianSense`` pays where spokes are many
    (python -m benchmarks.frame_sense).
    Raises ValueError if an argument has the wrong shape or dtype, is not finite or out of range.
    """

    coil_maps: Tensor

    def __init__(self, trajectory: Tensor, coil_maps: Tensor, mask: Tensor | None = None) -> None:
        if trajectory.ndim != 4 or trajectory.shape[-1] != 2 or 0 in trajectory.shape:
            raise ValueError(
                f"trajectory must have shape (frame, spoke, readout, 2), got {tuple(trajectory.shape)}"
            )
        check_coil_maps(coil_maps)
        check_trajectory(trajectory.flatten(0, 2), (coil_maps.shape[1], coil_maps.shape[2]))
        n_frames, n_spokes, n_readout, _ = trajectory.shape
        if mask is None:
            mask = torch.ones(n_frames, n_spokes, dtype=torch.bool, device=coil_maps.device)
        if tuple(mask.shape) != (n_frames, n_spokes):
            raise ValueError(f"mask must have shape {(n_frames, n_spokes)}, got {tuple(mask.shape)}")
        super().__init__(mask, tuple(coil_maps.shape[1:]), (len(coil_maps), n_spokes, n_readout))
        self.register_buffer("coil_maps", coil_maps)
        self.trajectory = trajectory.detach().to("cpu", torch.float64)
        self._box = bounding_box((coil_maps != 0).any(0))
        self._tables: dict[tuple[torch.dtype, torch.device], _Tables] = {}

    @property
    def support(self) -> Tensor:
        """bool (T, ny, nx): where any coil map is not zero."""
        return (self.coil_maps != 0).any(0).expand(self.domain_shape)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[:, None, :, None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return apply_linear(x, partial(self._forward, frames=frames), partial(self._adjoint, frames=frames))

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return apply_linear(y, partial(self._adjoint, frames=frames), partial(self._forward, frames=frames))

    def _forward(self, x: Tensor, frames: slice) -> Tensor:
        maps, phases, gridding = self._tables_for(x)
        images = x[:, self._box[0], self._box[1]]
        shared = gridding.grids(images[:1, None] * maps) if len(x) > 1 and x.stride(0) == 0 else None
        y = x.new_empty(len(x), len(maps), phases.shape[-1])
        for piece, of in self._pieces(images, frames):
            grids = gridding.grids(images[piece, None] * maps) if shared is None else shared
            torch.mul(gridding.sample(grids, of), phases[of, None], out=y[piece])
        return y.unflatten(-1, self.frame_range[1:])

    def _adjoint(self, y: Tensor, frames: slice) -> Tensor:
        maps, phases, gridding = self._tables_for(y)
        x = y.new_zeros(len(y), *self.frame_domain)
        boxes, samples = x[:, self._box[0], self._box[1]], y.flatten(-2)
        for piece, of in self._pieces(boxes, frames):
            grids = gridding.spread(samples[piece] * phases[of, None].conj(), of)
            for image, coil_map in zip(gridding.images(grids).unbind(1), maps, strict=True):
                boxes[piece].addcmul_(image, coil_map.conj())
        return x

    def _pieces(self, images: Tensor, frames: slice) -> Iterator[tuple[slice, slice]]:
        """Runs of frames worked on at once: their place in the argument, and in the series."""
        start, stop, _ = frames.indices(self.n_frames)
        at_once = _frames_at_once(images, self.frame_range[0])
        for begin in range(start, stop, at_once):
            end = min(begin + at_once, stop)
            yield slice(begin - start, end - start), slice(begin, end)

    def _tables_for(self, array: Tensor) -> _Tables:
        key = array.dtype, array.device
        if key not in self._tables:
            maps = self.coil_maps[:, self._box[0], self._box[1]].to(array.dtype).contiguous()
            shape = (maps.shape[1], maps.shape[2])
            sizes = torch.tensor(self.frame_domain, dtype=torch.float64)
            points = self.trajectory.flatten(1, 2) * (2 * torch.pi / sizes)
            pairs = zip(self._box, self.frame_domain, strict=True)
            centres = [box.start + (box.stop - box.start) // 2 - n // 2 for box, n in pairs]
            turns = -(points @ torch.tensor(centres, dtype=torch.float64))
            phases = torch.polar(torch.full_like(turns, prod(self.frame_domain) ** -0.5), turns)
            gridding = FrameGridding(points, shape, array.dtype, array.device)
            self._tables[key] = _Tables(maps, phases.to(array.device, array.dtype), gridding)
        return self._tables[key]

    def _apply(self, fn: Any, recurse: bool = True) -> FrameSenseRadial:
        self._tables = {}  # .to(...) replaces the maps that they were made from
        return super()._apply(fn, recurse)


class _Tables(NamedTuple):
    """What one dtype on one device needs."""

    coil_maps: Tensor  # complex (coil, y, x) of the box
    phases: Tensor  # complex (T, sample): exp(-i p . o) / sqrt(ny nx), o from the image's centre to the box's
    gridding: FrameGridding

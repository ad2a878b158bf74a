"""Multi-coil MRI of an object that changes: frames on the Cartesian grid, or along a few spokes each."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from proxflow.operators.base import apply_linear
from proxflow.operators.cartesian_sense import (
    CPU_CHUNK_BYTES_PER_THREAD,
    GPU_CHUNK_BYTES,
    CartesianSense,
)
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.non_cartesian_sense import NonCartesianSense


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
        tolerance: relative l2 error of F_t; None for 3e-5 in single and 1e-12 in double precision.

    x: complex (*batch, T, ny, nx).  y: complex (*batch, T, coil, spoke, readout), the unit of x. The
    transforms of each frame are planned once, at its first use, and shared with what ``with_mask`` returns.
    ``normal`` is adjoint(forward(x)): with the few spokes of a frame that takes a third of the time of the
    convolution that ``NonCartesianSense`` uses for many (160 x 160, 8 coils, 5 spokes).
    Raises ValueError if an argument has the wrong shape or dtype, is not finite or out of range.
    """

    def __init__(
        self,
        trajectory: Tensor,
        coil_maps: Tensor,
        mask: Tensor | None = None,
        *,
        tolerance: float | None = None,
    ) -> None:
        if trajectory.ndim != 4 or trajectory.shape[-1] != 2 or 0 in trajectory.shape:
            raise ValueError(
                f"trajectory must have shape (frame, spoke, readout, 2), got {tuple(trajectory.shape)}"
            )
        n_frames, n_spokes, n_readout, _ = trajectory.shape
        if mask is None:
            mask = torch.ones(n_frames, n_spokes, dtype=torch.bool, device=coil_maps.device)
        if tuple(mask.shape) != (n_frames, n_spokes):
            raise ValueError(f"mask must have shape {(n_frames, n_spokes)}, got {tuple(mask.shape)}")
        senses = [
            NonCartesianSense(points.flatten(0, 1), coil_maps, tolerance=tolerance, n_readout=n_readout)
            for points in trajectory
        ]
        domain = tuple(coil_maps.shape[1:])
        super().__init__(mask, domain, (len(coil_maps), n_spokes, n_readout))
        self.trajectory = trajectory.detach().to("cpu", torch.float64)
        self.senses = torch.nn.ModuleList(senses)

    @property
    def coil_maps(self) -> Tensor:
        """complex (coil, ny, nx)."""
        maps: Tensor = self.senses[0].coil_maps  # type: ignore[assignment]
        return maps

    @property
    def support(self) -> Tensor:
        """bool (T, ny, nx): where any coil map is not zero."""
        return (self.coil_maps != 0).any(0).expand(self.domain_shape)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[:, None, :, None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        found = [sense.forward(one) for sense, one in zip(self._senses(frames), x, strict=True)]
        return torch.stack(found).unflatten(-1, self.frame_range[1:])

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        senses = self._senses(frames)
        return torch.stack([s.adjoint(one) for s, one in zip(senses, y.flatten(-2), strict=True)])

    def _senses(self, frames: slice) -> list[NonCartesianSense]:
        return [s for s in self.senses[frames] if isinstance(s, NonCartesianSense)]

"""The forward model of an object that changes while it is measured: a few views of every frame."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Self

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes


class FrameOperator(LinearOperator):
    """y_t = gain M_t A_t x_t for frames t = 0 .. T-1, where M_t keeps the views in ``mask``.

    x: (*batch, T, *frame_domain).  y: (*batch, T, *frame_range), zero where the mask is False, so that a
    frame may have lost all of its views and is still one of the T.

    Subclasses set ``frame_domain``, ``frame_range`` and the buffer ``mask``, bool (T, *views) with ``views``
    the axes of one frame by which measurements are kept or withheld (CT: view; radial MRI: spoke; Cartesian
    MRI: ky, kx), and write ``spread``, ``apply_frames`` and ``adjoint_frames``. These take any run of frames,
    so that a solver may go through a long series in pieces that fit its memory.

    A real multiple of a FrameOperator, ``c * A``, is one again: the methods for series keep their access to
    frames and views.  Raises ValueError where shapes do not fit.
    """

    mask: Tensor
    gain: float = 1.0

    def __init__(self, mask: Tensor, frame_domain: tuple[int, ...], frame_range: tuple[int, ...]) -> None:
        super().__init__()
        if mask.dtype != torch.bool or mask.ndim < 2:
            raise ValueError(f"mask must be bool (frame, views), got {mask.dtype} {tuple(mask.shape)}")
        self.register_buffer("mask", mask)
        self.frame_domain, self.frame_range = frame_domain, frame_range
        self.domain_shape = (len(mask), *frame_domain)
        self.range_shape = (len(mask), *frame_range)

    @property
    def n_frames(self) -> int:
        """T."""
        return len(self.mask)

    @abstractmethod
    def spread(self, mask: Tensor) -> Tensor:
        """bool (n, *views) ready to be broadcast against (n, *frame_range)."""

    @abstractmethod
    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        """A_t x_t for x (n, *frame_domain) at these n frames, unmasked and without the gain."""

    @abstractmethod
    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        """A_t^H y_t for y (n, *frame_range) at these n frames, unmasked and without the gain."""

    def forward_of(self, x: Tensor, frames: slice) -> Tensor:
        """The measurements of these frames, (n, *frame_domain) to (n, *frame_range)."""
        return self.masked(self.apply_frames(x, frames), frames) * self.gain

    def adjoint_of(self, y: Tensor, frames: slice) -> Tensor:
        """The adjoint of ``forward_of``."""
        return self.adjoint_frames(self.masked(y, frames) * self.gain, frames)

    def normal_of(self, x: Tensor, frames: slice) -> Tensor:
        """``adjoint_of(forward_of(x))``, in a faster form where the subclass has one."""
        return self.adjoint_of(self.forward_of(x, frames), frames)

    def masked(self, y: Tensor, frames: slice = slice(None)) -> Tensor:
        """y (n, *frame_range) at these frames, zero in views that are not in ``mask``."""
        return y * self.spread(self.mask[frames])

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        if x.ndim == len(self.domain_shape):
            return self.forward_of(x, slice(None))
        series = x.reshape(-1, *self.domain_shape)
        found = torch.stack([self.forward_of(one, slice(None)) for one in series])
        return found.reshape(*x.shape[: x.ndim - len(self.domain_shape)], *self.range_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        if y.ndim == len(self.range_shape):
            return self.adjoint_of(y, slice(None))
        series = y.reshape(-1, *self.range_shape)
        found = torch.stack([self.adjoint_of(one, slice(None)) for one in series])
        return found.reshape(*y.shape[: y.ndim - len(self.range_shape)], *self.domain_shape)

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        series = x.reshape(-1, *self.domain_shape)
        return torch.stack([self.normal_of(one, slice(None)) for one in series]).reshape(x.shape)

    def with_mask(self, mask: Tensor) -> Self:
        """The same forward model with other views kept; what it holds is shared."""
        if mask.shape != self.mask.shape or mask.dtype != torch.bool:
            raise ValueError(
                f"mask must be bool {tuple(self.mask.shape)}, got {mask.dtype} {tuple(mask.shape)}"
            )
        return self._like(mask, self.gain)

    def __mul__(self, scalar: complex) -> LinearOperator:
        if isinstance(scalar, complex):
            return super().__mul__(scalar)
        return self._like(self.mask, self.gain * scalar)

    __rmul__ = __mul__

    def __neg__(self) -> LinearOperator:
        return self * -1.0

    def _like(self, mask: Tensor, gain: float) -> Self:
        other = copy.copy(self)  # shares tensors; its own dict of buffers, or the mask would be that of both
        other._buffers = dict(self._buffers) | {"mask": mask.to(self.mask.device)}
        other.gain = gain
        return other

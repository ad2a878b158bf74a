"""A series of images and the measurements of its frames, by the way that suits the device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.base import apply_linear
from proxflow.operators.bilinear_frames import BilinearFrames
from proxflow.operators.frame_points import GatheredFrames
from proxflow.operators.joseph_frames import JosephFrames
from proxflow.operators.ray_transform import DTYPES
from proxflow.operators.real_parts import from_real_parts, real_parts


class FrameTransform:
    """y_m = A_t x_m at t = ``frames[m]``, int64 (m,): kernels on the CPU, torch operations elsewhere.

    x: (m, ny, nx).  y: (m, n_rays).  float32, float64, complex64 or complex128; differentiable.
    Raises ValueError for another dtype.
    """

    def __init__(self, frames: JosephFrames | BilinearFrames) -> None:
        self.kernels, self.gathered = frames, GatheredFrames(frames)

    def forward(self, x: Tensor, frames: np.ndarray) -> Tensor:
        return self._apply("x", x, frames, adjoint=False)

    def adjoint(self, y: Tensor, frames: np.ndarray) -> Tensor:
        return self._apply("y", y, frames, adjoint=True)

    def _apply(self, name: str, array: Tensor, frames: np.ndarray, *, adjoint: bool) -> Tensor:
        if array.dtype not in DTYPES:
            raise ValueError(f"{name} must be float32, float64, complex64 or complex128, got {array.dtype}")
        pair = [lambda part, to=to: self._computed(part, frames, to) for to in (adjoint, not adjoint)]
        return apply_linear(array, *pair)

    def _computed(self, array: Tensor, frames: np.ndarray, adjoint: bool) -> Tensor:
        parts = real_parts(array)
        n_parts = 2 if array.is_complex() else 1
        images, taken = parts.reshape(-1, *array.shape[1:]), np.tile(frames, n_parts)
        if array.device.type == "cpu":
            compute = self.kernels.adjoint if adjoint else self.kernels.forward
            result = torch.from_numpy(compute(images.numpy(), taken))
        else:
            gather = self.gathered.adjoint if adjoint else self.gathered.forward
            result = gather(images, taken)
        return from_real_parts(result, array, (len(array), *result.shape[1:]))

"""The Radon transform of an image that is turned and summed, in scikit-image's convention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.bilinear_frames import BilinearFrames
from proxflow.operators.frame_transform import FrameTransform
from proxflow.operators.ray_transform import check_sizes, checked_angles


class BilinearRadon(LinearOperator):
    """y[a, s] = sum_t x(row, column) pixel_size_mm, bilinear in x, which is zero outside the grid, with

        column = c + (s - c) cos(angle) + t sin(angle),   row = c - (s - c) sin(angle) + t cos(angle),

    c = J // 2 and t = -c .. J - 1 - c: the object turns about the pixel (c, c), which projects onto bin c.
    ``ParallelBeam`` turns about (J - 1) / 2, half a pixel beside it for even J, and has other weights.

    Args:
        shape: (J, J) of the image.
        angles_rad: (angle,), counter-clockwise with x to the right and y up.
        pixel_size_mm: side of the pixels and pitch of the bins.

    x: attenuation in 1/mm, (*batch, J, J).  y: line integrals, dimensionless, (*batch, angle, J).
    Real or complex, single or double. Raises ValueError if an argument or an array does not fit.
    Source: ``skimage.transform.radon(circle=True)``, whose result this is, transposed, where x is zero
    outside the circle of radius J // 2 about (c, c); it takes degrees.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        angles_rad: Tensor | Sequence[float] | np.ndarray,
        *,
        pixel_size_mm: float = 1.0,
    ) -> None:
        super().__init__()
        self.angles_rad = checked_angles(angles_rad)
        self.pixel_size_mm = pixel_size_mm
        check_sizes(shape, pixel_size_mm=pixel_size_mm)
        if shape[0] != shape[1]:
            raise ValueError(f"shape must be square for the bilinear model, got {tuple(shape)}")
        self.transform = FrameTransform(BilinearFrames(self.angles_rad[None], shape[0], pixel_size_mm))
        self.domain_shape = (int(shape[0]), int(shape[0]))
        self.range_shape = (len(self.angles_rad), self.domain_shape[0])

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        images = x.reshape(-1, *self.domain_shape)
        seen = self.transform.forward(images, np.zeros(len(images), np.int64))
        return seen.reshape(*x.shape[:-2], *self.range_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        seen = y.reshape(-1, *self.range_shape)
        images = self.transform.adjoint(seen.flatten(1), np.zeros(len(seen), np.int64))
        return images.reshape(*y.shape[:-2], *self.domain_shape)

"""Projections of an object that changes while it is measured: a few views of every frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.bilinear_frames import BilinearFrames
from proxflow.operators.bilinear_radon import BilinearRadon
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_transform import FrameTransform
from proxflow.operators.joseph_frames import JosephFrames
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.ray_transform import check_finite, check_sizes
from proxflow.operators.rays_2d import march, parallel_rays

Model = Literal["joseph", "bilinear"]


class FrameProjections(FrameOperator):
    """y[t, v] = projection of frame x_t at ``angles_rad[t, v]`` by parallel rays, zero where ``mask`` is.

    Args:
        image_shape: (ny, nx) of one frame.
        angles_rad: (frame, view), counter-clockwise, each frame's own, in any order.
        n_columns, pixel_size_mm, column_size_mm, detector_offset_mm: as of ``ParallelBeam``.
        model: "joseph", the weights of ``ParallelBeam``; or "bilinear", those of ``BilinearRadon``, for
            (J, J) frames and J columns of the pixels' size without an offset: axis at pixel and bin J // 2.
        mask: bool (frame, view), the views in use; all of them if None.

    x: attenuation in 1/mm, (*batch, frame, ny, nx).  y: line integrals, (*batch, frame, view, column).
    Real or complex, single or double. All frames go through one pass of a kernel, over our threads; nothing
    is held but six numbers a ray ("joseph") or two a view ("bilinear"), see ``held_bytes``.
    Raises ValueError if an argument or an array does not fit.
    Source: Joseph, IEEE Trans. Med. Imaging 1:192 (1982); skimage.transform.radon.
    """

    def __init__(
        self,
        image_shape: tuple[int, int],
        angles_rad: Tensor | Sequence[Sequence[float]] | np.ndarray,
        n_columns: int,
        *,
        pixel_size_mm: float = 1.0,
        column_size_mm: float | None = None,
        detector_offset_mm: float = 0.0,
        model: Model = "joseph",
        mask: Tensor | None = None,
    ) -> None:
        angles = _checked_angles(angles_rad)
        if mask is None:
            mask = torch.ones(angles.shape, dtype=torch.bool)
        if tuple(mask.shape) != angles.shape:
            raise ValueError(
                f"mask must have the shape {angles.shape} of angles_rad, got {tuple(mask.shape)}"
            )
        ny, nx = _checked_shape(image_shape)
        super().__init__(mask, (ny, nx), (angles.shape[1], n_columns))
        self.angles_rad, self.n_columns, self.model = angles, n_columns, model
        self.pixel_size_mm, self.detector_offset_mm = pixel_size_mm, detector_offset_mm
        self.column_size_mm = pixel_size_mm if column_size_mm is None else column_size_mm
        check_sizes(
            (ny, nx), n_columns=n_columns, pixel_size_mm=pixel_size_mm, column_size_mm=self.column_size_mm
        )
        check_finite("detector_offset_mm", detector_offset_mm)
        self.transform = FrameTransform(self._kernels())

    @property
    def held_bytes(self) -> int:
        """Bytes that the operator keeps between calls; a call needs two images a thread beside its result."""
        return self.transform.kernels.nbytes + self.mask.nbytes + self.angles_rad.nbytes

    def frame_beam(self, frame: int) -> ParallelBeam | BilinearRadon:
        """The operator of one frame's views, all of them, whatever the mask and without the gain."""
        shape, angles = (self.frame_domain[0], self.frame_domain[1]), self.angles_rad[frame]
        if self.model == "bilinear":
            return BilinearRadon(shape, angles, pixel_size_mm=self.pixel_size_mm)
        return ParallelBeam(
            shape,
            angles,
            self.n_columns,
            pixel_size_mm=self.pixel_size_mm,
            column_size_mm=self.column_size_mm,
            detector_offset_mm=self.detector_offset_mm,
        )

    def spread(self, mask: Tensor) -> Tensor:
        return mask[..., None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return self.transform.forward(x, self._indices(frames)).unflatten(-1, self.frame_range)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return self.transform.adjoint(y.flatten(1), self._indices(frames))

    def _indices(self, frames: slice) -> np.ndarray:
        return np.arange(self.n_frames)[frames]

    def _kernels(self) -> JosephFrames | BilinearFrames:
        ny, nx = self.frame_domain
        if self.model == "joseph":
            rays = parallel_rays(
                self.angles_rad.ravel(),
                self.n_columns,
                column_size=self.column_size_mm / self.pixel_size_mm,
                detector_offset=self.detector_offset_mm / self.pixel_size_mm,
            )
            marched = march(rays, (ny, nx), self.pixel_size_mm)
            return JosephFrames(marched, self.n_frames, self.angles_rad.shape[1] * self.n_columns)
        if self.model != "bilinear":
            raise ValueError(f"model must be one of {', '.join(get_args(Model))}, got {self.model}")
        detector = (self.n_columns, self.column_size_mm, self.detector_offset_mm)
        if ny != nx or detector != (nx, self.pixel_size_mm, 0.0):
            raise ValueError(
                "model must be joseph unless frames are square and columns as many and as wide as pixels, "
                f"with no offset, got bilinear for frames {(ny, nx)} of {self.pixel_size_mm} mm and "
                f"{self.n_columns} columns of {self.column_size_mm} mm, offset {self.detector_offset_mm} mm"
            )
        return BilinearFrames(self.angles_rad, nx, self.pixel_size_mm)


def _checked_angles(angles_rad: Tensor | Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    if isinstance(angles_rad, Tensor):
        angles_rad = angles_rad.numpy(force=True)
    angles = np.array(angles_rad, dtype=np.float64)
    if angles.ndim != 2 or angles.size == 0:
        raise ValueError(f"angles_rad must have the shape (frame, view), got {angles.shape}")
    if not np.isfinite(angles).all():
        raise ValueError(f"angles_rad must be finite, got {int((~np.isfinite(angles)).sum())} that are not")
    return angles


def _checked_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    if len(image_shape) != 2:
        raise ValueError(f"image_shape must be (ny, nx), got {tuple(image_shape)}")
    return int(image_shape[0]), int(image_shape[1])

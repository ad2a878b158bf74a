"""Line integrals of an image along given rays, by the way that suits the device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes
from proxflow.operators.rays_2d import Rays2D, march
from proxflow.operators.real_parts import from_real_parts, real_parts
from proxflow.operators.torch_projector import TorchRays

if TYPE_CHECKING:
    from proxflow.operators.sparse_projector import MatrixCache

Backend = Literal["auto", "matrix", "rays", "torch"]
DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class CpuProjector(Protocol):
    """x (slice, ny, nx) to y (slice, n_rays) and back, arrays of one real type."""

    def forward(self, x: np.ndarray) -> np.ndarray: ...

    def adjoint(self, y: np.ndarray) -> np.ndarray: ...


class RayTransform(LinearOperator):
    """y[a, c] = integral of x along ray (a, c), by Joseph's interpolation (``rays_2d.march``).

    Args:
        rays: lines in pixels, (angle, column).
        shape: (ny, nx) of the image, centred on the axis of rotation.
        pixel_size_mm: scales the lengths of the rays.
        backend: "rays" computes the weights as it goes, on the CPU; "matrix" holds them as a CSR matrix
            (float32); "torch" gathers and scatters by torch operations, on any device. "auto" takes
            "rays" for arrays on the CPU and "torch" elsewhere: on the CPU the matrix was slower for every
            size and number of slices tried, as it is read from memory while the weights are cheap.
        memory_bytes: the most a matrix may take; a quarter of the free memory if None.
        matrix_cache: called as ``matrix_cache(key, build)``, to keep the matrix's arrays between runs;
            ``key`` differs wherever the matrix does.

    x: attenuation in 1/mm, (*batch, ny, nx).  y: line integrals, dimensionless, (*batch, angle, column).
    float32, float64, complex64 or complex128; one transform of all batch items. Every backend uses the
    same weights, "matrix" rounded to float32, and every adjoint is the exact transpose.
    Raises ValueError if an argument, an array's trailing axes, its dtype or its device does not fit.
    """

    def __init__(
        self,
        rays: Rays2D,
        shape: tuple[int, int],
        *,
        pixel_size_mm: float = 1.0,
        backend: Backend = "auto",
        memory_bytes: int | None = None,
        matrix_cache: MatrixCache | None = None,
    ) -> None:
        super().__init__()
        if backend not in get_args(Backend):
            raise ValueError(f"backend must be one of {', '.join(get_args(Backend))}, got {backend}")
        self.domain_shape = (int(shape[0]), int(shape[1]))
        self.range_shape = tuple(rays.origin.shape[:2])
        self.backend = backend
        self._marched = march(rays, self.domain_shape, pixel_size_mm)
        self._n_rays = self.range_shape[0] * self.range_shape[1]
        self._torch = TorchRays(self._marched, self._n_rays)
        self._cpu: CpuProjector | None = None
        if backend == "matrix":
            self._cpu = self._matrix(memory_bytes, matrix_cache)

    @property
    def n_interpolations(self) -> int:
        """Interpolations of one forward or adjoint: lines met, summed over the rays."""
        return sum(rays.n_interpolations for rays in self._marched)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        self._check("x", x)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        self._check("y", y)
        return apply_linear(y, self._adjoint, self._forward)

    def _forward(self, x: Tensor) -> Tensor:
        slices = real_parts(x).reshape(-1, *self.domain_shape)
        if self._uses_torch(x):
            result = self._torch.forward(slices)
        else:
            result = torch.from_numpy(self._projector().forward(slices.numpy()))
        return from_real_parts(result, x, (*x.shape[:-2], *self.range_shape))

    def _adjoint(self, y: Tensor) -> Tensor:
        slices = real_parts(y).reshape(-1, self._n_rays)
        if self._uses_torch(y):
            result = self._torch.adjoint(slices)
        else:
            result = torch.from_numpy(self._projector().adjoint(slices.numpy()))
        return from_real_parts(result, y, (*y.shape[:-2], *self.domain_shape))

    def _uses_torch(self, array: Tensor) -> bool:
        return self.backend == "torch" or (self.backend == "auto" and array.device.type != "cpu")

    def _check(self, name: str, array: Tensor) -> None:
        if array.dtype not in DTYPES:
            raise ValueError(f"{name} must be float32, float64, complex64 or complex128, got {array.dtype}")
        if self.backend in ("rays", "matrix") and array.device.type != "cpu":
            raise ValueError(f"{name} must be on the CPU for backend {self.backend}, got {array.device}")

    def _projector(self) -> CpuProjector:
        if self._cpu is None:
            from proxflow.operators.joseph_2d import JosephRays

            self._cpu = JosephRays(self._marched, self._n_rays)
        return self._cpu

    def _matrix(self, memory_bytes: int | None, cache: MatrixCache | None) -> CpuProjector:
        from proxflow.operators.sparse_projector import SparseProjector, matrix_bytes, ray_matrix

        limit = _free_memory() // 4 if memory_bytes is None else memory_bytes
        needed = matrix_bytes(2 * self.n_interpolations, self._n_rays)
        if needed > limit:
            raise ValueError(f"memory_bytes must be at least {needed} for backend matrix, got {limit}")

        def build() -> dict[str, np.ndarray]:
            return ray_matrix(self._marched, self._n_rays)

        arrays = build() if cache is None else cache(self._key(), build)
        return SparseProjector(arrays, (self.domain_shape[0], self.domain_shape[1]), self._n_rays)

    def _key(self) -> str:
        """A text that differs wherever the matrix does."""
        digest = blake2b(digest_size=20)
        for rays in self._marched:
            for array in rays.arrays:
                digest.update(np.int64(array.nbytes).tobytes() + array.tobytes())
        return f"joseph-csr-1 image {self.domain_shape} sinogram {self.range_shape} {digest.hexdigest()}"


def checked_angles(angles_rad: Tensor | Sequence[float] | np.ndarray) -> np.ndarray:
    """Angles as float64 (angle,). Raises ValueError unless they are one or more finite numbers."""
    angles = np.array(angles_rad, dtype=np.float64)
    if angles.ndim != 1 or len(angles) == 0 or not np.isfinite(angles).all():
        raise ValueError(f"angles_rad must be finite numbers of shape (angle,), got {angles_rad}")
    return angles


def check_sizes(shape: tuple[int, int], **sizes: float) -> None:
    """Raise ValueError unless ``shape`` is two positive integers and every size positive and finite."""
    if len(shape) != 2:
        raise ValueError(f"shape must be (ny, nx), got {tuple(shape)}")
    for name, size in (("ny", shape[0]), ("nx", shape[1]), *sizes.items()):
        if not 0 < size < np.inf:
            raise ValueError(f"{name} must be positive, got {size}")


def check_finite(name: str, value: float) -> None:
    """Raise ValueError if ``value`` is infinite or not a number."""
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")


def _free_memory() -> int:
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")

"""A denoiser of images with values of about 0 to 1, applied to an iterate in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from proxflow.models.denoisers.denoiser import ImageDenoiser
from proxflow.models.solvers.inner_product import over_image


@dataclass(frozen=True)
class InUnit:
    """unit D(x / unit, sigma) of every slice, and 0 where nothing is seen.

    Attributes:
        unit: what is 1 to D, in the unit of x: float64 (*batch).
        seen: bool (*domain), see ``seen_voxels``.
    """

    denoise: ImageDenoiser
    unit: Tensor
    seen: Tensor

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """x: (*batch, *domain), of images (y, x) or volumes (z, y, x), whose slices D sees one by one."""
        scale = over_image(self.unit, x)
        images = (x / scale).reshape(-1, *x.shape[-2:])
        return self.denoise(images, sigma).view(x.shape) * scale * self.seen

"""A look at Cartesian MRI: sampling mask, calibration region, noise, the zero-filled image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.scan import Scan
from proxflow.models.calibration.acs import find_acs
from proxflow.operators.fourier import ifft2c
from proxflow.tasks.looks.base import Facts, Look, shape_text
from proxflow.tasks.looks.panel import Panel, image_panel, log_grey
from proxflow.tasks.looks.whitenable import can_whiten
from proxflow.tasks.modalities.cartesian.noise import noise_level
from proxflow.tasks.stages.documents import centre_crop

DECADES = 4.0  # of k-space magnitude shown, from the peak down


@dataclass(frozen=True)
class CartesianLook(Look):
    """One item of Cartesian k-space.

    Attributes:
        samples: complex (coil, ky, kx).  mask: bool (ky, kx), True where sampled.
        acceleration: points of the grid over points sampled, exact.
        acs: height and width of the largest fully sampled centred block, (0, 0) if there is none.
        noise_std: standard deviation of a sample's complex noise, in the scan's unit; None where the
            border of k-space holds too few samples for an estimate.
        noise_source: where that figure comes from, in words.
        can_whiten: the scan has a noise measurement that tells all its coils apart.
    """

    samples: NDArray[np.complexfloating]
    mask: NDArray[np.bool_]
    acceleration: float
    acs: tuple[int, int]
    noise_std: float | None
    noise_source: str
    can_whiten: bool

    @property
    def geometry(self) -> Geometry:
        return self.info.image_geometry

    @property
    def fully_sampled(self) -> bool:
        """Whether this item misses no sample."""
        return bool(self.mask.all())

    def own_facts(self) -> Facts:
        matrix = self.geometry.matrix
        return [
            ("k-space", shape_text(self.info)),
            ("image", f"{matrix[0]} x {matrix[1]} (y, x)"),
            ("size", size_text(self.geometry)),
            ("position", "known" if self.geometry.affine is not None else "not told by the file"),
            ("sampling", self._sampling()),
            ("noise", noise_text(self.info.has_noise, self.noise_std, self.noise_source)),
        ]

    def own_numbers(self) -> dict[str, Any]:
        return {
            "geometry": asdict(self.geometry) | {"voxel_size_mm": self.geometry.voxel_size_mm},
            "fully_sampled": self.fully_sampled,
            "acceleration": self.acceleration,
            "acs": list(self.acs),
            "has_noise": self.info.has_noise,
            "noise_std": self.noise_std,
            "noise_source": self.noise_source,
        }

    def reference_text(self) -> str:
        return "an image came with the scan" if self.info.has_reference else "none in the file"

    def panels(self) -> tuple[Panel, ...]:
        samples, voxel = torch.from_numpy(self.samples), self.geometry.voxel_size_mm
        image = torch.linalg.vector_norm(ifft2c(samples), dim=0).numpy()
        spectrum = torch.linalg.vector_norm(samples, dim=0).numpy()
        return (
            image_panel(
                f"image, item {self.item}",
                centre_crop(image, self.geometry.matrix),
                voxel[1] / voxel[2] if voxel else 1.0,
            ),
            Panel(f"|k-space|, {DECADES:g} decades", log_grey(spectrum, DECADES), in_terminal=False),
            Panel(
                f"sampled, R = {self.acceleration:.3g}",
                self.mask.astype(np.uint8) * 255,
                in_terminal=False,
            ),
        )

    def _sampling(self) -> str:
        if self.fully_sampled:
            return f"every sample of item {self.item}"
        return (
            f"{int(self.mask.sum())} of {self.mask.size} samples, R = {self.acceleration:.3f}, "
            f"fully sampled centre {self.acs[0]} x {self.acs[1]} (item {self.item})"
        )


def look_at_cartesian(scan: Scan, item: int) -> CartesianLook:
    """Look at one item; ScanError if it is unsound."""
    kspace = scan.read([item])
    assert isinstance(kspace, KSpace)
    samples, mask = kspace.samples[0], kspace.mask[0]
    noise = None if kspace.noise is None else torch.from_numpy(kspace.noise)
    level: float | None
    try:
        level, source = noise_level(torch.from_numpy(samples), mask, noise, whitened=False)
    except ValueError:
        level, source = None, "too few samples at the border of k-space for an estimate"
    return CartesianLook(
        info=scan.info,
        item=item,
        samples=samples,
        mask=mask,
        acceleration=acceleration(mask),
        acs=find_acs(torch.from_numpy(mask)),
        noise_std=level,
        noise_source=source,
        can_whiten=can_whiten(noise),
    )


def size_text(geometry: Geometry) -> str:
    """Field of view and voxel."""
    voxel, extent = geometry.voxel_size_mm, geometry.field_of_view_mm
    if voxel is None or extent is None:
        return "not told by the file"
    return (
        f"{extent[1]:.4g} x {extent[2]:.4g} mm in plane (y, x), voxel "
        f"{voxel[1]:.3g} x {voxel[2]:.3g} x {voxel[0]:.3g} mm (y, x, z)"
    )


def noise_text(has_noise: bool, level: float | None, source: str) -> str:
    """The noise of a sample of k-space, and where the figure comes from."""
    scanned = "noise measurement in the file; " if has_noise else ""
    if level is None:
        return scanned + source
    return f"{scanned}standard deviation of a sample {level:.4g} ({source})"

"""A look at dynamic MRI: frames, how sparsely they are sampled, noise, and what a static image would show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.kspace import Geometry
from proxflow.data.scan import Scan
from proxflow.models.calibration.acs import find_acs
from proxflow.operators.fourier import ifft2c
from proxflow.tasks.looks.base import Facts, Look, labels_text, shape_text
from proxflow.tasks.looks.cartesian import noise_text, size_text
from proxflow.tasks.looks.panel import Panel, image_panel, magnitude_panel
from proxflow.tasks.looks.radial import gridded
from proxflow.tasks.looks.whitenable import can_whiten
from proxflow.tasks.modalities.dynamic_mri.noise import series_noise
from proxflow.tasks.modalities.dynamic_mri.sampling import sampling_facts
from proxflow.tasks.stages.documents import centre_crop

DECADES = 4.0


@dataclass(frozen=True)
class DynamicMriLook(Look):
    """One series of frames.

    Attributes:
        samples: complex (frame, coil, spoke, readout) or (frame, coil, ky, kx).
        trajectory: float (frame, spoke, readout, 2) of spokes, or None.
        mask: bool (frame, spoke) or (frame, ky, kx), True where sampled.
        acceleration: of a frame on the average.
        acs: height and width of the centre that every frame sampled, (0, 0) where there is none or of spokes.
        noise_std: of a sample; None where the border of k-space holds too few samples for an estimate.
    """

    samples: NDArray[np.complexfloating]
    trajectory: NDArray[np.floating] | None
    mask: NDArray[np.bool_]
    acceleration: float
    sampling: str
    acs: tuple[int, int]
    noise_std: float | None
    noise_source: str
    can_whiten: bool

    @property
    def geometry(self) -> Geometry:
        return self.info.image_geometry

    @property
    def fully_sampled(self) -> bool:
        """Whether no frame on a grid misses a sample."""
        return self.trajectory is None and bool(self.mask.all())

    def own_facts(self) -> Facts:
        matrix, labels = self.geometry.matrix, self.info.frame_labels
        named = f"{len(self.mask)}: {labels_text(labels)}" if labels else f"{len(self.mask)}, not named"
        centre = f"; every frame holds the centre {self.acs[0]} x {self.acs[1]}" if min(self.acs) else ""
        return [
            ("k-space", shape_text(self.info)),
            ("image", f"{matrix[0]} x {matrix[1]} (y, x)"),
            ("size", size_text(self.geometry)),
            ("frames", named),
            ("sampling", "every sample" if self.fully_sampled else self.sampling + centre),
            ("coil maps", "came with the scan" if self.info.has_maps else "none in the file"),
            ("noise", noise_text(self.info.has_noise, self.noise_std, self.noise_source)),
        ]

    def own_numbers(self) -> dict[str, Any]:
        return {
            "geometry": asdict(self.geometry) | {"voxel_size_mm": self.geometry.voxel_size_mm},
            "n_frames": len(self.mask),
            "frame_labels": list(self.info.frame_labels),
            "trajectory": self.trajectory is not None,
            "fully_sampled": self.fully_sampled,
            "acceleration": self.acceleration,
            "acs": list(self.acs),
            "has_maps": self.info.has_maps,
            "has_noise": self.info.has_noise,
            "noise_std": self.noise_std,
            "noise_source": self.noise_source,
        }

    def reference_text(self) -> str:
        return "an image of every frame came with the scan" if self.info.has_reference else "none in the file"

    def panels(self) -> tuple[Panel, ...]:
        voxel, frame = self.geometry.voxel_size_mm, len(self.mask) // 2
        aspect = voxel[1] / voxel[2] if voxel else 1.0
        spectrum = np.linalg.norm(self.samples[frame], axis=0)
        axes = "ky down, kx across" if self.trajectory is None else "spokes down, readout across"
        return (
            image_panel(f"static image of all frames, item {self.item}", static_image(self), aspect),
            magnitude_panel(f"|k-space| of frame {frame}, {axes}", spectrum, decades=DECADES),
        )


def look_at_dynamic_mri(scan: Scan, item: int) -> DynamicMriLook:
    """Look at one series; ScanError if it is unsound."""
    kspace = scan.read([item])
    assert isinstance(kspace, DynamicKSpace)
    samples, mask, spokes = kspace.samples[0], kspace.views, kspace.trajectory is not None
    noise = None if kspace.noise is None else torch.from_numpy(kspace.noise)
    level: float | None
    try:
        level, source = series_noise(torch.from_numpy(samples), mask, noise, whitened=False)
    except ValueError:
        level, source = None, "too few samples at the border of k-space for an estimate"
    facts, text = sampling_facts(mask, kspace.geometry.matrix, spokes=spokes)
    sampled = mask[mask.reshape(len(mask), -1).any(axis=1)]
    return DynamicMriLook(
        info=scan.info,
        item=item,
        samples=samples,
        trajectory=kspace.trajectory,
        mask=mask,
        acceleration=facts["acceleration"],
        sampling=text,
        acs=(0, 0) if spokes else find_acs(torch.from_numpy(sampled.all(axis=0))),
        noise_std=level,
        noise_source=source,
        can_whiten=can_whiten(noise),
    )


def static_image(look: DynamicMriLook) -> NDArray[np.floating]:
    """Root sum of squares over coils of the image from the samples of all frames together, (y, x): motion
    and changes of contrast blur it."""
    if look.trajectory is not None:
        samples = np.moveaxis(look.samples, 1, 0)[:, look.mask]
        return gridded(samples, look.trajectory[look.mask], None, look.geometry.matrix)
    counts = np.maximum(look.mask.sum(axis=0), 1)
    average = (look.samples * look.mask[:, None]).sum(axis=0) / counts
    image = torch.linalg.vector_norm(ifft2c(torch.from_numpy(average)), dim=0).numpy()
    return centre_crop(image, look.geometry.matrix)

"""A look at dynamic tomography: frames, views, detector, noise, and what a static image would show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram, FrameGeometry
from proxflow.data.kspace import Geometry
from proxflow.data.scan import Scan
from proxflow.models.methods.fbp import fbp_image
from proxflow.models.tomography.noise import detector_noise_std
from proxflow.tasks.looks.base import Facts, Look, count, shape_text
from proxflow.tasks.looks.panel import Panel, image_panel, measurement_panel
from proxflow.tasks.looks.views import Views, views_of
from proxflow.tasks.modalities.dynamic_tomography.geometry import axis_of, parallel
from proxflow.tasks.modalities.tomography.geometry import with_unit
from proxflow.tasks.modalities.tomography.projector import projector
from proxflow.tasks.terminal_picture import to_grey

COARSE = 128  # pixels of the quick image


@dataclass(frozen=True)
class DynamicTomographyLook(Look):
    """One series of projections.

    Attributes:
        geometry: lengths in columns, taken as 1 mm, where the file tells none (``tells_size`` false).
        samples: real (frame, view, column), attenuation.
        noise_std: standard deviation of a sample; None where the detector is too small to tell.
        axis_column, axis_source: where the axis of rotation projects, and how that is known.
        reference: (y, x) of the images that came with the scan, pixels of ``image_pixel_mm``; None if none.
    """

    geometry: FrameGeometry
    tells_size: bool
    samples: NDArray[np.floating]
    noise_std: float | None
    axis_column: float
    axis_source: str
    reference: tuple[int, int] | None
    image_pixel_mm: float | None

    @property
    def views(self) -> Views:
        """Of the whole series."""
        return views_of(self.geometry.angles_rad.ravel())

    @property
    def pixel_mm(self) -> float:
        """A detector column."""
        assert self.geometry.column_size_mm is not None
        return self.geometry.column_size_mm

    def own_facts(self) -> Facts:
        n_frames, n_views, n_columns = self.samples.shape
        full = int(np.ceil(np.pi / 2 * n_columns))
        noise = (
            "too few columns to tell"
            if self.noise_std is None
            else f"standard deviation {self.noise_std:.4g}"
        )
        return [
            ("projections", shape_text(self.info)),
            (
                "values",
                f"attenuation, line integrals, {self.samples.min():.4g} to {self.samples.max():.4g}",
            ),
            ("frames", f"{n_frames}, of {count(n_views, 'view')} each; about {full} would be full sampling"),
            ("angles", self.views.text()),
            ("detector", self._detector()),
            ("axis", f"column {self.axis_column:.2f} of {n_columns}, {self.axis_source}"),
            ("noise", noise),
        ]

    def own_numbers(self) -> dict[str, Any]:
        geometry, n_columns = self.geometry, self.samples.shape[-1]
        return {
            "quantity": "attenuation",
            "n_frames": self.samples.shape[0],
            "views_per_frame": self.samples.shape[1],
            "angles": self.views.numbers(),
            "column_size_mm": geometry.column_size_mm if self.tells_size else None,
            "centre": geometry.centre,
            "axis_column": self.axis_column,
            "axis_source": self.axis_source,
            "image_matrix": [n_columns, n_columns],
            "noise_std": self.noise_std,
        }

    def reference_text(self) -> str:
        if self.reference is None:
            return "none in the file"
        return f"an image of {self.reference[0]} x {self.reference[1]} for every frame came with the scan"

    def panels(self) -> tuple[Panel, ...]:
        projections = self.samples.reshape(-1, self.samples.shape[-1])
        caption = f"projections, item {self.item}, time down"
        return (
            measurement_panel(caption, to_grey(np.maximum(projections, 0))),
            image_panel("static image of all projections", static_image(self)),
        )

    def _detector(self) -> str:
        n_columns = self.samples.shape[-1]
        if not self.tells_size:
            return f"{n_columns} columns, their pitch not told by the file"
        return f"{n_columns} columns, {self.pixel_mm:.5g} mm apart"


def look_at_dynamic_tomography(scan: Scan, item: int) -> DynamicTomographyLook:
    """Look at one series; ScanError if it is unsound."""
    series = scan.read([item])
    assert isinstance(series, DynamicSinogram)
    known, unit_notes = with_unit(parallel(series.geometry))
    column, source = axis_of(series.geometry, series.samples.shape[-1])
    reference = None if series.reference is None else series.reference.shape[-2:]
    return DynamicTomographyLook(
        info=scan.info,
        item=item,
        geometry=replace(series.geometry, column_size_mm=known.column_size_mm),
        tells_size=not unit_notes,
        samples=series.samples[0],
        noise_std=detector_noise_std(series.samples[0]),
        axis_column=column,
        axis_source=source,
        reference=None if reference is None else (reference[0], reference[1]),
        image_pixel_mm=series.image_pixel_mm,
    )


def static_image(look: DynamicTomographyLook) -> NDArray[np.floating]:
    """Filtered back-projection of all projections at once on a coarse grid, (y, x): motion blurs it."""
    n_columns = look.samples.shape[-1]
    n, extent = min(COARSE, n_columns), n_columns * look.pixel_mm
    grid = Geometry((n, n), (1.0, extent, extent), slices=(0,))
    sinogram = np.ascontiguousarray(look.samples.reshape(-1, n_columns), dtype=np.float32)
    operator = projector(parallel(look.geometry), grid, sinogram.shape, look.axis_column)
    return fbp_image(operator, torch.from_numpy(sinogram), "hann").numpy()

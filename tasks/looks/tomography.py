"""A look at X-ray tomography: beam, views, detector, axis of rotation, sinogram and a quick image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.scan import Scan
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.models.methods.fbp import fbp_image
from proxflow.models.tomography.flat_field import minus_log, transmission
from proxflow.models.tomography.noise import noise_std
from proxflow.models.tomography.rotation_axis import find_axis_column
from proxflow.tasks.looks.base import Facts, Look, count, shape_text
from proxflow.tasks.looks.panel import Panel, image_panel, measurement_panel
from proxflow.tasks.looks.views import Views, views_of
from proxflow.tasks.modalities.tomography.geometry import magnification, with_unit
from proxflow.tasks.modalities.tomography.projector import projector
from proxflow.tasks.terminal_picture import to_grey

COARSE = 256  # pixels of the quick image
BEAMS = {
    "parallel": "parallel rays",
    "fan": "a fan on a flat detector",
    "fan-curved": "a fan on a curved detector, columns at equal angles",
    "cone": "a cone on a flat detector",
}
VALUES = {
    "counts": "counts of the detector",
    "transmission": "transmission I / I0",
    "attenuation": "attenuation -log(I / I0), line integrals without unit",
}


@dataclass(frozen=True)
class TomographyLook(Look):
    """One detector row of parallel or fan rays, or the middle row of a cone scan.

    Attributes:
        geometry: lengths in columns, taken as 1 mm, where the file tells none (``tells_size`` false).
        row: real (angle, column) as measured.
        attenuation: float (angle, column) of that row; None for counts without flat frames.
        n_dark, n_flat: frames in the file.
        axis_column, axis_source: where the axis of rotation projects, and how that is known; ``axis_known``
            is False where it is a guess.
        reference, segmentation: (y, x) of what came with the scan, pixels of ``image_pixel_mm``.
    """

    geometry: ScanGeometry
    tells_size: bool
    row: NDArray[np.floating | np.integer]
    attenuation: NDArray[np.floating] | None
    n_dark: int
    n_flat: int
    axis_column: float
    axis_source: str
    axis_known: bool
    reference: tuple[int, int] | None
    segmentation: tuple[int, int] | None
    image_pixel_mm: float | None

    @property
    def views(self) -> Views:
        return views_of(self.geometry.angles_rad)

    @property
    def n_columns(self) -> int:
        return self.info.shape[-1]

    @property
    def n_rows(self) -> int:
        """Of one item: detector rows of a cone scan, else 1."""
        return self.info.shape[1] if self.geometry.beam == "cone" else 1

    @property
    def pixel_mm(self) -> float:
        """A detector column at the axis of rotation."""
        assert self.geometry.column_size_mm is not None
        return self.geometry.column_size_mm / magnification(self.geometry)

    def own_facts(self) -> Facts:
        facts = [
            ("projections", shape_text(self.info)),
            ("values", self._values()),
            ("beam", BEAMS[self.geometry.beam]),
            ("views", f"{self.views.text()}; about {self._enough()} would be full sampling (pi/2 n)"),
            ("detector", self._detector()),
        ]
        if self.geometry.source_origin_mm is not None and self.geometry.source_detector_mm is not None:
            facts.append(
                (
                    "distances",
                    f"source to axis {self.geometry.source_origin_mm:.6g} mm, source to detector "
                    f"{self.geometry.source_detector_mm:.6g} mm, magnification "
                    f"{magnification(self.geometry):.4g}",
                )
            )
        facts.append(("axis", f"column {self.axis_column:.2f} of {self.n_columns}, {self.axis_source}"))
        facts.append(("image", self._image()))
        if self.attenuation is not None:
            facts.append(("noise", f"standard deviation {noise_std(self.attenuation):.4g} of attenuation"))
        return facts

    def own_numbers(self) -> dict[str, Any]:
        geometry = self.geometry
        return {
            "quantity": self.info.quantity,
            "n_dark": self.n_dark,
            "n_flat": self.n_flat,
            "beam": geometry.beam,
            "views": self.views.numbers(),
            "column_size_mm": geometry.column_size_mm if self.tells_size else None,
            "row_size_mm": geometry.row_size_mm if self.tells_size else None,
            "source_origin_mm": geometry.source_origin_mm,
            "source_detector_mm": geometry.source_detector_mm,
            "magnification": magnification(geometry),
            "axis_column": self.axis_column,
            "axis_source": self.axis_source,
            "image_matrix": [self.n_columns, self.n_columns],
            "image_pixel_mm": self.pixel_mm if self.tells_size else None,
            "noise_std": None if self.attenuation is None else noise_std(self.attenuation),
        }

    def reference_text(self) -> str:
        found = [("an image", self.reference), ("a segmentation", self.segmentation)]
        named = [f"{name} of {shape[0]} x {shape[1]}" for name, shape in found if shape is not None]
        return f"{' and '.join(named)} came with the scan" if named else "none in the file"

    def panels(self) -> tuple[Panel, ...]:
        if self.attenuation is None:
            return (measurement_panel(f"counts, item {self.item}", to_grey(self.row.astype(np.float32))),)
        sinogram = to_grey(np.maximum(self.attenuation, 0))
        row = f", row {self.n_rows // 2}" if self.n_rows > 1 else ""
        return (
            measurement_panel(f"attenuation, item {self.item}{row}, views down", sinogram),
            image_panel("quick filtered back-projection", quick_image(self)),
        )

    def _values(self) -> str:
        fields = ""
        if self.info.quantity == "counts":
            dark, flat = count(self.n_dark, "dark frame"), count(self.n_flat, "flat frame")
            fields = f", with {dark} and {flat}"
        return (
            f"{VALUES[self.info.quantity or 'counts']}, {self.row.min():.4g} to {self.row.max():.4g}{fields}"
        )

    def _enough(self) -> int:
        return int(np.ceil(np.pi / 2 * self.n_columns))

    def _detector(self) -> str:
        size = (
            f"{self.n_columns} columns"
            if self.n_rows == 1
            else f"{self.n_rows} rows, {self.n_columns} columns"
        )
        if not self.tells_size:
            return f"{size}, their pitch not told by the file"
        rows = "" if self.geometry.row_size_mm is None else f", rows {self.geometry.row_size_mm:.5g} mm"
        return f"{size}, {self.geometry.column_size_mm:.5g} mm apart{rows}"

    def _image(self) -> str:
        n = self.n_columns
        planes = f"{self.n_rows} x " if self.n_rows > 1 else ""
        if not self.tells_size:
            return f"{planes}{n} x {n}, a detector column at the axis for each pixel"
        return f"{planes}{n} x {n} of {self.pixel_mm:.4g} mm, {n * self.pixel_mm:.4g} mm across"


def look_at_tomography(scan: Scan, item: int) -> TomographyLook:
    """Look at one item; ScanError if it is unsound, RequestError for a fan without a column size."""
    sinogram = scan.read([item])
    assert isinstance(sinogram, Sinogram)
    geometry, unit_notes = with_unit(sinogram.geometry)
    cone = geometry.beam == "cone"
    row, dark, flat = (
        None if part is None else part[0][part.shape[1] // 2] if cone else part[0]
        for part in (sinogram.samples, sinogram.dark, sinogram.flat)
    )
    assert row is not None
    attenuation = _attenuation(sinogram.quantity, row, dark, flat)
    column, source, known = _axis(geometry, attenuation, row.shape[-1])
    shapes = [
        None if image is None else (image.shape[-2], image.shape[-1])
        for image in (sinogram.reference, sinogram.labels_image)
    ]
    return TomographyLook(
        info=scan.info,
        item=item,
        geometry=geometry,
        tells_size=not unit_notes,
        row=row,
        attenuation=attenuation,
        n_dark=0 if dark is None else len(dark),
        n_flat=0 if flat is None else len(flat),
        axis_column=column,
        axis_source=source,
        axis_known=known,
        reference=shapes[0],
        segmentation=shapes[1],
        image_pixel_mm=sinogram.image_pixel_mm,
    )


def quick_image(look: TomographyLook) -> NDArray[np.floating]:
    """Filtered back-projection of the row on a coarse grid, (y, x) in 1/mm."""
    assert look.attenuation is not None
    n = min(COARSE, look.n_columns)
    extent = look.n_columns * look.pixel_mm
    grid = Geometry((n, n), (1.0, extent, extent), slices=(0,))
    flat = replace(look.geometry, beam="fan") if look.geometry.beam == "cone" else look.geometry
    operator = projector(flat, grid, look.attenuation.shape, look.axis_column)
    sinogram = torch.from_numpy(np.ascontiguousarray(look.attenuation, dtype=np.float32))
    return fbp_image(operator, sinogram, "hann").numpy()


def _attenuation(
    quantity: str, row: NDArray, dark: NDArray | None, flat: NDArray | None
) -> NDArray[np.floating] | None:
    if quantity == "attenuation":
        return row.astype(np.float32)
    if quantity == "transmission":
        return minus_log(row.astype(np.float32)).attenuation
    return None if flat is None else minus_log(transmission(row, dark, flat).samples).attenuation


def _axis(geometry: ScanGeometry, attenuation: NDArray | None, n_columns: int) -> tuple[float, str, bool]:
    """Column, where it comes from, whether it is more than a guess."""
    if geometry.axis_column is not None:
        return geometry.axis_column, "as the file tells", True
    middle = (n_columns - 1) / 2
    if geometry.beam != "parallel":
        return middle, "the middle, since the file does not tell", True
    if attenuation is None:
        return middle, "the middle, since the file does not tell", False
    try:
        return find_axis_column(attenuation, geometry.angles_rad), "found in the sinogram", True
    except ValueError:
        return middle, "the middle: the file does not tell, and the sinogram does not settle it", False

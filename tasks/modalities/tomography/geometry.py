"""The geometry of a tomographic scan as JSON, and the image grid that fits it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from proxflow.configs.image import ImageConfig
from proxflow.data.kspace import Geometry
from proxflow.data.sinogram import ScanGeometry
from proxflow.tasks.errors import RequestError

WIDEST_STEP = 4.0


def scan_geometry_to_json(geometry: ScanGeometry) -> dict[str, Any]:
    """A scan's geometry as JSON values."""
    return {
        "beam": geometry.beam,
        "angles_rad": geometry.angles_rad.tolist(),
        "column_size_mm": geometry.column_size_mm,
        "row_size_mm": geometry.row_size_mm,
        "source_origin_mm": geometry.source_origin_mm,
        "source_detector_mm": geometry.source_detector_mm,
        "axis_column": geometry.axis_column,
    }


def scan_geometry_from_json(document: dict[str, Any]) -> ScanGeometry:
    """The inverse of ``scan_geometry_to_json``."""
    return ScanGeometry(**{**document, "angles_rad": np.array(document["angles_rad"])})


def with_unit(geometry: ScanGeometry) -> tuple[ScanGeometry, list[str]]:
    """The geometry with a column size, and a note where the file does not tell it.

    A parallel scan is then in columns, as if each were 1 mm wide. RequestError for fan and cone beams,
    whose magnification hangs on it.
    """
    if geometry.column_size_mm is not None:
        return geometry, []
    if geometry.beam != "parallel":
        raise RequestError(f"scan must tell the column size of its {geometry.beam} beam detector, got none")
    note = "the file tells no pixel size: lengths are in detector columns, taken as 1 mm"
    return replace(geometry, column_size_mm=1.0, row_size_mm=geometry.row_size_mm or 1.0), [note]


def magnification(geometry: ScanGeometry) -> float:
    """How much larger a thing on the axis of rotation appears on the detector."""
    if geometry.source_origin_mm is None or geometry.source_detector_mm is None:
        return 1.0
    return geometry.source_detector_mm / geometry.source_origin_mm


def is_complete(geometry: ScanGeometry, n_columns: int) -> bool:
    """Whether every line through the object was measured: parallel views all over half a turn, those of a
    fan or cone over half a turn and the fan's opening; steps of up to ``WIDEST_STEP`` times the mean."""
    turn = np.pi if geometry.beam == "parallel" else 2 * np.pi
    angles = np.sort(np.mod(geometry.angles_rad, turn))
    if len(angles) < 2:
        return False
    gaps = np.sort(np.diff(angles, append=angles[0] + turn))
    if geometry.beam == "parallel":
        return bool(gaps[-1] <= WIDEST_STEP * turn / len(angles))
    assert geometry.source_detector_mm is not None and geometry.column_size_mm is not None
    half = n_columns / 2 * geometry.column_size_mm / geometry.source_detector_mm
    opening = 2 * (half if geometry.beam == "fan-curved" else float(np.arctan(half)))
    covered = turn - gaps[-1]
    step = covered / (len(angles) - 1)
    return bool(covered + step >= np.pi + opening and gaps[-2] <= WIDEST_STEP * step)


def image_geometry(
    config: ImageConfig, geometry: ScanGeometry, shape: tuple[int, ...], n_items: int
) -> Geometry:
    """The grid asked for; by default pixels of a column at the axis, as many as there are columns.

    ``shape`` is (angle, column), or (row, angle, column) of a cone, whose planes are the geometry's slices.
    RequestError where the grid asked for does not fit the beam.
    """
    cone = geometry.beam == "cone"
    assert geometry.column_size_mm is not None
    column = geometry.column_size_mm / magnification(geometry)
    rows = shape[0] if cone else 1
    matrix = config.matrix or ((rows, shape[-1], shape[-1]) if cone else (shape[-1], shape[-1]))
    if len(matrix) != (3 if cone else 2):
        wanted = "(z, y, x) for a cone beam" if cone else f"(y, x) for a {geometry.beam} beam"
        raise RequestError(f"image.matrix must be {wanted}, got {list(matrix)}")
    if config.centre_mm is not None:
        raise RequestError("image.centre_mm must be left out for ct: the image is centred on the axis")
    pixel = config.voxel_mm[-1] if config.voxel_mm else column
    if config.voxel_mm and len(set(config.voxel_mm)) > 1:
        raise RequestError(f"image.voxel_mm must be one number for ct, got {list(config.voxel_mm)}")
    depth = pixel if cone else (geometry.row_size_mm or column)
    ny, nx = matrix[-2:]
    planes = matrix[0] if cone else 1
    slices = tuple(range(n_items * planes))
    return Geometry((ny, nx), (depth, ny * pixel, nx * pixel), slices=slices)

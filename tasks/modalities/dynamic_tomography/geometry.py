"""The geometry of a series of projections as JSON, and as that of parallel rays."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from proxflow.data.dynamic_sinogram import FrameGeometry
from proxflow.data.sinogram import ScanGeometry
from proxflow.data.store.artefact import Artefact


def frame_geometry_to_json(geometry: FrameGeometry) -> dict[str, Any]:
    """A series' geometry as JSON values."""
    return asdict(geometry) | {"angles_rad": geometry.angles_rad.tolist()}


def frame_geometry_from_json(document: dict[str, Any]) -> FrameGeometry:
    """The inverse of ``frame_geometry_to_json``."""
    return FrameGeometry(**{**document, "angles_rad": np.array(document["angles_rad"], np.float64)})


def prepared_geometry(prepared: Artefact) -> FrameGeometry:
    """The geometry of the frames kept, with a column size."""
    return frame_geometry_from_json(prepared.document("scan")["acquisition"])


def parallel(geometry: FrameGeometry) -> ScanGeometry:
    """All projections of the series as views of one parallel scan, in the order of time."""
    return ScanGeometry(
        "parallel",
        geometry.angles_rad.ravel(),
        column_size_mm=geometry.column_size_mm,
        axis_column=geometry.axis_column,
    )


def axis_of(geometry: FrameGeometry, n_columns: int) -> tuple[float, str]:
    """The column of the axis of rotation as the file tells it, or the centre; and which, in words."""
    if geometry.axis_column is not None:
        return geometry.axis_column, "as the scan's file has it"
    if geometry.centre == "pixel":
        return float(n_columns // 2), "the middle pixel of the detector, as of simulated projections"
    return (n_columns - 1) / 2, "the middle of the detector, since the file does not tell"

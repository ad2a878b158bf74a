"""The forward model of a series of projections."""

from __future__ import annotations

from typing import Literal

import numpy as np

from proxflow.data.dynamic_sinogram import FrameGeometry
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact
from proxflow.operators.frame_projections import FrameProjections, Model
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.dynamic_tomography.geometry import prepared_geometry
from proxflow.tasks.stages.documents import geometry_from_json

OFFSET = 1e-9  # columns: an axis as near as that to the middle pixel is on it


def frame_projections(
    geometry: FrameGeometry, image: Geometry, n_columns: int, axis_column: float, model: Model
) -> FrameProjections:
    """The operator of a series: images (frame, y, x) to samples (frame, view, column).

    RequestError where ``model`` is bilinear and the axis, the image's pixels or its matrix do not allow it.
    """
    voxel, column = image.voxel_size_mm, geometry.column_size_mm
    assert voxel is not None and column is not None
    offset = ((n_columns - 1) / 2 - axis_column) * column
    if model == "bilinear":
        _check_bilinear(image, n_columns, axis_column, column)
        offset = 0.0
    return FrameProjections(
        image.matrix,
        geometry.angles_rad,
        n_columns,
        pixel_size_mm=column if model == "bilinear" else voxel[2],
        column_size_mm=column,
        detector_offset_mm=offset,
        model=model,
    )


def chosen_model(
    model: Literal["auto", "joseph", "bilinear"],
    geometry: FrameGeometry,
    image: Geometry,
    n_columns: int,
    axis_column: float,
) -> Model:
    """``model``; for auto bilinear where the series is centred on a pixel and image and axis allow it."""
    if model != "auto":
        return model
    assert geometry.column_size_mm is not None
    if geometry.centre == "pixel":
        try:
            _check_bilinear(image, n_columns, axis_column, geometry.column_size_mm)
        except RequestError:
            return "joseph"
        return "bilinear"
    return "joseph"


def calibrated_projections(prepared: Artefact, calibrated: Artefact) -> FrameProjections:
    """The operator as ``calibrate`` found it, with all views."""
    made = calibrated.document("calibration")
    return frame_projections(
        prepared_geometry(prepared),
        geometry_from_json(prepared.document("scan")["geometry"]),
        prepared.shape("samples")[-1],
        made["axis_column"],
        made["model"],
    )


def _check_bilinear(image: Geometry, n_columns: int, axis_column: float, column_mm: float) -> None:
    if abs(axis_column - n_columns // 2) > OFFSET:
        raise RequestError(
            f"calibrate.model bilinear must have its axis at column {n_columns // 2}, got {axis_column:g}; "
            "joseph takes any"
        )
    voxel = image.voxel_size_mm
    assert voxel is not None
    if image.matrix != (n_columns, n_columns) or not np.isclose(voxel[2], column_mm, rtol=1e-6):
        raise RequestError(
            f"calibrate.model bilinear must have an image of {n_columns} x {n_columns} pixels of "
            f"{column_mm:g} mm, as the detector's columns, got {image.matrix[0]} x {image.matrix[1]} of "
            f"{voxel[2]:g} mm"
        )

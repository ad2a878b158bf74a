"""Calibrate a tomographic scan: where the axis of rotation is, and how large the operator."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import TypeAdapter

from proxflow.configs.calibrate import Rotation
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.tomography.rotation_axis import find_axis_column
from proxflow.operators.operator_norm import operator_norm
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.tomography.geometry import scan_geometry_from_json
from proxflow.tasks.modalities.tomography.projector import projector
from proxflow.tasks.stages.documents import geometry_from_json

NORM_ITERATIONS = 12  # of a matrix without negative entries: its first singular vector is found quickly
NORM_MARGIN = 1.01  # the power method comes from below


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Document ``calibration``: ``axis_column`` and where it comes from, ``norm`` of the operator for the
    views a method is given, ``backend``.

    Raises RequestError where the axis asked for, or found, is not on the detector, or no operator fits.
    """
    config = TypeAdapter(Rotation).validate_python(context.config)
    prepared = context.inputs["prepared"]
    scan = prepared.document("scan")
    _, *shape = prepared.shape("samples")
    column, source = axis_column(config, prepared)
    if not 0 <= column <= shape[-1] - 1:
        raise RequestError(
            f"calibrate.axis_column must lie on the detector, 0 to {shape[-1] - 1}, "
            f"got {column:.4g} ({source})"
        )
    try:
        operator = projector(
            scan_geometry_from_json(scan["acquisition"]),
            geometry_from_json(scan["geometry"]),
            tuple(shape),
            column,
            planes=scan["planes"],
            backend=config.backend,
            angles=prepared.array("mask"),
            machine=context.machine,
        ).to(context.machine.device)
    except ValueError as error:  # a matrix beyond the memory given, a source within the image
        raise RequestError(f"calibrate: {str(error).replace('memory_bytes', 'runtime.memory')}") from None
    norm = operator_norm(
        operator, n_iter=NORM_ITERATIONS, tol=1e-3, dtype=torch.float32, device=context.machine.device
    )
    if norm == 0:
        raise RequestError("image must lie where rays pass, got no ray through it")
    document = {
        "axis_column": column,
        "source": source,
        "norm": norm * NORM_MARGIN,
        "backend": config.backend,
    }
    writer.document("calibration", document)


def axis_column(config: Rotation, prepared: Artefact) -> tuple[float, str]:
    """The column of the axis of rotation, and where it comes from in words."""
    scan = prepared.document("scan")
    geometry = scan_geometry_from_json(scan["acquisition"])
    n_items, *shape = prepared.shape("samples")
    if config.axis_column is not None:
        return config.axis_column, "as given in the recipe"
    if geometry.axis_column is not None:
        return geometry.axis_column, "as the scan's file has it"
    if geometry.beam != "parallel":
        return (shape[-1] - 1) / 2, "the middle of the detector, since the file does not tell"
    sinogram = prepared.rows("samples", n_items // 2, n_items // 2 + 1)[0]
    try:
        column = find_axis_column(np.asarray(sinogram), geometry.angles_rad)
    except ValueError as error:
        raise RequestError(f"calibrate.axis_column must be given: {error}") from None
    return float(column), "found in the sinogram"


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on the axis."""
    document = calibrated.document("calibration")
    return f"Axis of rotation at column {document['axis_column']:.2f}, {document['source']}."

"""Calibrate a series of projections: its axis of rotation, its model, and how large the operator is."""

from __future__ import annotations

import torch
from pydantic import TypeAdapter

from proxflow.configs.calibrate import FrameRotation
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.operator_norm import operator_norm
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.dynamic_tomography.geometry import axis_of, prepared_geometry
from proxflow.tasks.modalities.dynamic_tomography.projector import chosen_model, frame_projections
from proxflow.tasks.stages.documents import geometry_from_json

NORM_ITERATIONS = 60  # frames of nearly the same norm take a while to part
NORM_MARGIN = 1.01  # the power method comes from below
MODELS = {"joseph": "Joseph's line integrals", "bilinear": "sums over a rotated grid (bilinear)"}


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Document ``calibration``: ``axis_column`` and where it comes from, ``model``, ``norm`` of the operator
    for all views, that of its largest frame.

    Raises RequestError where the axis asked for is not on the detector, or the model does not fit it.
    """
    config = TypeAdapter(FrameRotation).validate_python(context.config)
    prepared = context.inputs["prepared"]
    geometry, n_columns = prepared_geometry(prepared), prepared.shape("samples")[-1]
    image = geometry_from_json(prepared.document("scan")["geometry"])
    column, source = axis_of(geometry, n_columns)
    if config.axis_column is not None:
        column, source = config.axis_column, "as given in the recipe"
    if not 0 <= column <= n_columns - 1:
        raise RequestError(
            f"calibrate.axis_column must lie on the detector, 0 to {n_columns - 1}, got {column:.4g} "
            f"({source})"
        )
    model = chosen_model(config.model, geometry, image, n_columns, column)
    operator = frame_projections(geometry, image, n_columns, column, model).to(context.machine.device)
    norm = operator_norm(
        operator, n_iter=NORM_ITERATIONS, tol=1e-4, dtype=torch.float32, device=context.machine.device
    )
    if norm == 0:
        raise RequestError("image must lie where rays pass, got no ray through it")
    writer.document(
        "calibration",
        {"axis_column": column, "source": source, "model": model, "norm": norm * NORM_MARGIN},
    )


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on axis and model."""
    document = calibrated.document("calibration")
    return (
        f"Axis of rotation at column {document['axis_column']:.2f}, {document['source']}; projections by "
        f"{MODELS[document['model']]}."
    )

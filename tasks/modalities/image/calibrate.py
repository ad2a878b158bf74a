"""How large the forward model of a picture is."""

from __future__ import annotations

import torch

from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.operators.operator_norm import operator_norm
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.image.forward_model import forward_model
from proxflow.tasks.stages.documents import geometry_from_json

NORM_ITERATIONS = 100  # the largest singular values of a circulant matrix lie close to each other
NORM_MARGIN = 1.02  # the power method comes from below
ROUNDING = 1 + 1e-6


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Document ``calibration``: ``norm`` of the operator, or little more."""
    scan, device = context.inputs["prepared"].document("scan"), context.machine.device
    acquisition, matrix = scan["acquisition"], geometry_from_json(scan["geometry"]).matrix
    if acquisition["kind"] == "circulant_sensing":
        operator = forward_model(acquisition, matrix).to(device)
        norm = NORM_MARGIN * operator_norm(
            operator, n_iter=NORM_ITERATIONS, tol=1e-4, dtype=torch.float32, device=device
        )
    else:
        norm = ROUNDING * GaussianBlur(matrix, acquisition["sigma"]).norm
    writer.document("calibration", {"norm": norm})


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on it."""
    return f"Norm of the forward model {calibrated.document('calibration')['norm']:.3g}."

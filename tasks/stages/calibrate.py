"""Calibrate: what the forward model needs beside the measurements."""

from __future__ import annotations

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.registry import modality


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write coil maps (MRI), the place of the axis of rotation (CT) or the medium (radar); document
    ``calibration``.

    Raises RequestError where the scan does not allow the calibration asked for.
    """
    modality(context.inputs["prepared"].document("scan")["modality"]).calibrate(context, writer)

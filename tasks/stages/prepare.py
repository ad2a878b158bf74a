"""Prepare: the recipe's steps between the scan and the reconstruction."""

from __future__ import annotations

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.registry import modality


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write what was measured and which of it the method is given; document ``scan`` with the image's
    geometry, notes, labels and noise level. What the arrays are is up to the kind of scan.

    Raises RequestError where a step does not fit the scan.
    """
    modality(context.inputs["scan"].document("scan")["modality"]).prepare(context, writer)

"""The maps that lie beside the image in the artefact of a reconstruction."""

from __future__ import annotations

from proxflow.data.store.artefact import Artefact

MAPS = "maps"  # the group of arrays (plane, y, x), and the document that says what each is


def map_texts(artefact: Artefact) -> dict[str, str]:
    """Name to description of the maps ``maps/NAME``, in the method's order; empty where there are none."""
    return dict(artefact.document(MAPS)) if artefact.names(MAPS) else {}

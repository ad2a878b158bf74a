"""The certificates that lie beside the images of a method which can tell what it certifies."""

from __future__ import annotations

from proxflow.data.store.artefact import DOCUMENTS, Artefact
from proxflow.models.methods.certificate import Certificate

CERTIFICATE = "certificate"  # the document, per item


def certificates_of(artefact: Artefact) -> tuple[Certificate, ...]:
    """One per item of a reconstruction; empty where its method has none."""
    if f"{DOCUMENTS}/{CERTIFICATE}" not in artefact:
        return ()
    return tuple(Certificate.from_json(values) for values in artefact.document(CERTIFICATE))

"""What can go wrong in the artefact store."""

from __future__ import annotations


class StoreError(OSError):
    """The store cannot do its work: no space, no permission, a folder that is not a store."""


class DamagedArtefactError(OSError):
    """An artefact whose bytes are not those that were written."""

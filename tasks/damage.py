"""Artefacts that break, or are removed, while a run goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from proxflow.data.store.errors import DamagedArtefactError

log = logging.getLogger("proxflow.run")
T = TypeVar("T")


def with_damage_mended(run: Callable[[], T]) -> T:
    """``run``, and once more where an artefact broke after the stage that made it.

    The second pass finds all else in the store; the broken one it sets aside and computes again.
    Raises DamagedArtefactError if that breaks too: then the disk is to be looked at.
    """
    try:
        return run()
    except DamagedArtefactError as error:
        log.warning("%s; it is computed again, all else is found", error)
    return run()

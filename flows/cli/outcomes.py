"""Which errors are a person's to mend, and the exit code each ends in."""

from __future__ import annotations

import errno
from typing import NamedTuple

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
# What a file system refuses through no fault of ours.
REFUSALS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.ENAMETOOLONG, errno.EMFILE, errno.ESTALE, errno.EISDIR, errno.ENOTDIR, errno.ELOOP),
)


class Explained(NamedTuple):
    """An error as one sentence, and the exit code."""

    sentence: str
    code: int


def sentence_of(error: Exception) -> str:
    """The sentence an error is told in: our own, or its type and text where it is not one we know."""
    explained = explain(error)
    return explained.sentence if explained else f"{type(error).__name__}: {error}"


def explain(error: BaseException) -> Explained | None:
    """The sentence for an error we know; None for one that must keep its traceback."""
    from proxflow.configs.errors import RecipeError
    from proxflow.data.errors import ScanError
    from proxflow.data.store.errors import DamagedArtefactError, StoreError
    from proxflow.tasks.errors import OutOfMemoryError, RequestError, WorkerLostError

    if isinstance(error, RecipeError | ScanError | RequestError):
        return Explained(str(error), BAD_INPUT)
    if isinstance(error, OutOfMemoryError | WorkerLostError):
        return Explained(str(error), FAILED)
    if isinstance(error, StoreError):
        return Explained(f"{error.strerror} ({error.filename})", FAILED)
    if isinstance(error, DamagedArtefactError):
        return Explained(f"{error}; run again to compute it again", FAILED)
    if isinstance(error, ArithmeticError) and hasattr(error, "last_good"):
        notes = "; ".join(getattr(error, "__notes__", []))
        return Explained(f"{error}; {notes}" if notes else str(error), FAILED)
    if isinstance(error, OSError) and error.errno in REFUSALS:
        where = error.filename or "standard output"
        return Explained(f"{where} could not be read or written: {error.strerror}", FAILED)
    return None

"""What a run may meet that a person can mend, each in one sentence."""

from __future__ import annotations

from proxflow.data.printable import sentence


class RequestError(ValueError):
    """What was asked for does not fit this scan or this machine (a device, a step, a method)."""

    def __init__(self, text: str) -> None:
        super().__init__(sentence(text))


class WorkerLostError(RuntimeError):
    """The processes or the cluster that were to do the work are gone, or die at it again and again."""


class OutOfMemoryError(RuntimeError):
    """A stage needs more memory than there is, also with half the budget."""

"""How many task runs a flow of this process has submitted."""

from __future__ import annotations

from contextvars import ContextVar

# Of the flow that ``as_flow`` waits for: the embedded server must have recorded so many before it may end.
submitted: ContextVar[list[str] | None] = ContextVar("submitted", default=None)


def count_task_run(label: str) -> None:
    """One more task run was submitted, in the context of the flow."""
    labels = submitted.get()
    if labels is not None:
        labels.append(label)

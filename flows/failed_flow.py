"""A flow that fails says why in one sentence."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed

from proxflow.flows.cli.outcomes import explain


def failed_flow(error: Exception) -> State[Any]:
    """The Failed state of the present flow run: its message is one sentence, the traceback goes to the log
    below it."""
    known = explain(error)
    sentence = known.sentence if known else f"{type(error).__name__}: {error}"
    get_run_logger().error(sentence, exc_info=error)
    return Failed(message=sentence, data=error)

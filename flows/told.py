"""How a flow of ours ends: a failure is one sentence, and the log has it with the traceback below."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed

from proxflow.flows.cli.outcomes import sentence_of
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.still_here import StillHere

AGAIN = "exited with unexpected exception"  # how Prefect begins to log an error a second time

# Where the caller in this process finds the outcome, if Prefect cannot hand it over for want of a server.
outcomes: ContextVar[list[Any] | None] = ContextVar("outcomes", default=None)


def told(work: Callable[[], State[Any]]) -> State[Any]:
    """``work()``'s final state for the present flow run. Where it raises, Failed with one sentence, and the
    error as its result; the log of the run has the sentence with the traceback below."""
    tie_to_this_process()
    logging.raiseExceptions = False  # a record that finds no server is no reason to print
    with StillHere():
        try:
            return work()
        except Exception as error:
            hand_over(error)
            return _failed(error)


def hand_over(outcome: Any) -> None:
    """Keep an outcome for the caller in this process."""
    waiting = outcomes.get()
    if waiting is not None:
        waiting.append(outcome)


def _failed(error: Exception) -> State[Any]:
    sentence = sentence_of(error)
    tell(f"failed: {sentence}")
    get_run_logger().error(sentence, exc_info=error)
    logging.getLogger("prefect.flow_runs").addFilter(lambda record: AGAIN not in record.getMessage())
    server_listens()
    return Failed(message=sentence, data=error)

"""How a flow fails: its state says one sentence, the log of the run has it with the traceback below."""

from __future__ import annotations

import logging
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed

from proxflow.flows.cli.outcomes import explain
from proxflow.flows.late_report import server_listens, tell

AGAIN = "exited with unexpected exception"  # how Prefect begins to log an error a second time


def failed(name: str, error: Exception) -> State[Any]:
    """The Failed state of the present flow run, called ``name``; its result is the error."""
    known = explain(error)
    sentence = known.sentence if known else f"{type(error).__name__}: {error}"
    tell(f"{name}: failed: {sentence}")
    get_run_logger().error(sentence, exc_info=error)
    logging.getLogger("prefect.flow_runs").addFilter(lambda record: AGAIN not in record.getMessage())
    server_listens(name)
    return Failed(message=sentence, data=error)

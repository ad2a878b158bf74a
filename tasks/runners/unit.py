"""A unit of work on a worker in another process: its threads, its log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from proxflow.tasks.memory import release_free_memory

LOGGER = "proxflow"


@dataclass(frozen=True)
class UnitResult:
    """What a unit returned, and what it said on the way."""

    value: Any
    records: list[logging.LogRecord] = field(default_factory=list)


def run_unit(
    function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], threads: int
) -> UnitResult:
    """``function(*arguments, **named)`` with ``threads`` threads a call of torch and of our kernels."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    with _overheard() as records:
        value = function(*arguments, **named)
    release_free_memory()
    return UnitResult(value, records)


def repeat_here(records: list[logging.LogRecord]) -> None:
    """Log in this process what was logged by a unit elsewhere."""
    for record in records:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


@contextmanager
def _overheard() -> Iterator[list[logging.LogRecord]]:
    """The records of our loggers from this thread, ready to be sent."""
    records: list[logging.LogRecord] = []
    logger, listener = logging.getLogger(LOGGER), _Listener(records)
    logger.addHandler(listener)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield records
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagate


class _Listener(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records, self._thread = records, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            record.msg, record.args = record.getMessage(), None
            record.exc_info = None
            self._records.append(record)

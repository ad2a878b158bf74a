"""``log.txt`` of a run: kept in memory until there is a run folder, so bad input leaves nothing behind."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging.handlers import MemoryHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class LogFile(logging.FileHandler):
    """Drops what a full disk does not take: the files of the run, written next, fail with a sentence."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class RunLog:
    """Collects what the logger ``proxflow`` says; a context manager.

    Warnings also reach standard error. An error does not: it ends the run, and the caller says it.
    """

    def __init__(self) -> None:
        self._memory = MemoryHandler(capacity=1_000_000, flushLevel=logging.CRITICAL + 1)
        self._screen = logging.StreamHandler()
        self._screen.addFilter(lambda record: record.levelno == logging.WARNING)
        self._screen.setFormatter(logging.Formatter("proxflow: %(message)s"))
        self._file: LogFile | None = None
        self._logger = logging.getLogger("proxflow")

    def __enter__(self) -> RunLog:
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self._memory)
        self._logger.addHandler(self._screen)
        return self

    def write_to(self, path: Path) -> None:
        """From now on append to ``path``, after all that was said so far."""
        if self._file is None:
            self._file = LogFile(path, encoding="utf-8")
            self._file.setFormatter(logging.Formatter(FORMAT))
            self._memory.setTarget(self._file)
            self._memory.flush()
            self._logger.removeHandler(self._memory)
            self._logger.addHandler(self._file)

    def __exit__(self, *_: object) -> None:
        for handler in (self._memory, self._screen, self._file):
            if handler is not None:
                self._logger.removeHandler(handler)
                handler.close()
        self._logger.propagate = True

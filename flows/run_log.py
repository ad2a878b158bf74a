"""The log of a run, ``log.txt`` for people and ``log.jsonl`` for programs: kept in memory until there is a
run folder, so bad input leaves nothing behind."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from contextvars import ContextVar, Token
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
FILES = ("log.txt", "log.jsonl")
_mine: ContextVar[RunLog | None] = ContextVar("proxflow_run_log", default=None)


class RunLog:
    """Collects what the logger ``proxflow`` says of one run; a context manager.

    Of several runs in threads of one process each takes its own records alone: those of the context it
    was entered in and of threads that run in a copy of it, as those of both engines do.

    Warnings also reach standard error, whoever says them. An error does not: it ends the run, and the
    caller says it.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._kept: list[logging.LogRecord] = []
        self._files: list[LogFile] = []
        self._lock = Lock()
        self._token: Token[RunLog | None] | None = None
        self._ended = False

    def __enter__(self) -> RunLog:
        self._token = _mine.set(self)
        _OPENED.open_run(self)
        return self

    def write_to(self, folder: Path) -> None:
        """From now on append to the log files of ``folder``, after all that was said so far."""
        with self._lock:
            if self._files:
                return
            text, lines = (LogFile(folder / name, encoding="utf-8") for name in FILES)
            text.setFormatter(logging.Formatter(FORMAT))
            lines.setFormatter(JsonLines(self._run))
            self._files = [text, lines]
            kept, self._kept = self._kept, []
            for record in kept:
                self._write(record)

    def take(self, record: logging.LogRecord) -> None:
        """Keep or write one record."""
        with self._lock:
            if self._ended:
                return  # of a thread that outlives its run
            if self._files:
                self._write(record)
            else:
                self._kept.append(record)

    def _write(self, record: logging.LogRecord) -> None:
        for file in self._files:
            file.handle(record)

    def __exit__(self, *_: object) -> None:
        _OPENED.close_run(self)
        if self._token is not None:
            _mine.reset(self._token)
        with self._lock:
            self._ended = True
            for file in self._files:
                file.close()


class JsonLines(logging.Formatter):
    """One JSON object a record: time with its offset from UTC, level, logger, message, run, traceback if
    there is one, and the fields that the record's ``event`` brings."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "run": self._run,
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields | getattr(record, "event", {}), ensure_ascii=False)


class LogFile(logging.FileHandler):
    """Drops what a full disk does not take: the files of the run, written next, fail with a sentence."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class _Opened(logging.Handler):
    """Hands every record to the run whose context it comes from; there while any run goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: set[RunLog] = set()
        self._changing = Lock()
        self._logger = logging.getLogger("proxflow")
        self._sentence = logging.Formatter("proxflow: %(message)s")

    def open_run(self, run: RunLog) -> None:
        with self._changing:
            self._runs.add(run)
            self._logger.setLevel(logging.INFO)
            self._logger.propagate = False
            self._logger.addHandler(self)

    def close_run(self, run: RunLog) -> None:
        with self._changing:
            self._runs.discard(run)
            if not self._runs:
                self._logger.removeHandler(self)
                self._logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            run = _mine.get()
            if run is not None:
                run.take(record)
            if record.levelno == logging.WARNING:
                print(self._sentence.format(record), file=sys.stderr, flush=True)
        except Exception:  # as every handler: what cannot be said must not end the run
            self.handleError(record)


_OPENED = _Opened()

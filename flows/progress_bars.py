"""Progress artifacts of the present flow run, drawn while it computes."""

from __future__ import annotations

import contextvars
import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

UPDATE_SECONDS = 2.0  # between two states of one bar
DELIVERY_SECONDS = 5.0


class ProgressBars:
    """A bar a label. Computing never waits for the server: one thread carries the newest states there, and
    what it cannot deliver is not shown."""

    def __init__(self) -> None:
        self._courier = ThreadPoolExecutor(1, thread_name_prefix="artifacts")
        self._sent: dict[str, Future[None]] = {}
        self._bars: dict[str, UUID] = {}
        self._began: dict[str, tuple[float, float]] = {}
        self._updated: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, label: str, share: float = 0.0) -> None:
        """Time runs from now on for what is left; ``share`` was done before. Once a label."""
        if label not in self._began:
            now = time.monotonic()
            self._began[label], self._updated[label] = (now, share), now

    def follow(self, label: str, share: float, text: str, *, at_most: bool = False) -> None:
        """Draw the bar at ``share`` (0 to 1) of its work, with the time left by what it took since ``begin``;
        not more often than every 2 s, nor while a state of it is on its way.

        at_most: the work may end early.
        """
        with self._lock:
            now = time.monotonic()
            if now - self._updated[label] < UPDATE_SECONDS or not self.idle(label):
                return
            self._updated[label] = now
        began, before = self._began[label]
        left = (now - began) * (1 - share) / max(share - before, 1e-9)
        self.show(label, 100 * share, f"{text}, {'at most' if at_most else 'about'} {span(left)} left")

    def shows(self, label: str) -> bool:
        """Whether this bar was ever asked for."""
        return label in self._sent

    def idle(self, label: str) -> bool:
        """Whether no state of this bar is on its way."""
        return label not in self._sent or self._sent[label].done()

    def show(self, label: str, progress: float, text: str) -> None:
        """Draw the bar of this label at ``progress`` per cent, as soon as the server takes it."""
        here = contextvars.copy_context()  # which run and stage the artifact belongs to
        self._sent[label] = self._courier.submit(here.run, self._deliver, label, progress, text)

    def close(self) -> None:
        """Let what is on its way arrive, unless the server is gone."""
        wait(self._sent.values(), timeout=DELIVERY_SECONDS)
        self._courier.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, label: str, progress: float, text: str) -> None:
        if label in self._bars:
            update_progress_artifact(self._bars[label], progress=progress, description=text)
        else:
            made: Any = create_progress_artifact(
                progress=progress, key=artifact_key("progress", label), description=text
            )
            self._bars[label] = made if isinstance(made, UUID) else made.id


def span(seconds: float) -> str:
    """``3.2 s``, ``4 min 10 s``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def artifact_key(kind: str, name: str) -> str:
    """Artifact keys are lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{name}".lower()).strip("-")


def rounded(value: object) -> object:
    """A cell of a table: numbers to five digits."""
    return float(f"{value:.5g}") if isinstance(value, float) else value

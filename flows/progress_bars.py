"""Progress artifacts of the present flow run, drawn while it computes."""

from __future__ import annotations

import contextvars
import re
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


def artifact_key(kind: str, name: str) -> str:
    """Artifact keys are lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{name}".lower()).strip("-")


def rounded(value: object) -> object:
    """A cell of a table: numbers to five digits."""
    return float(f"{value:.5g}") if isinstance(value, float) else value

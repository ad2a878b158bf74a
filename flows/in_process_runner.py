"""Stand-in for tasks/runners until it is merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from proxflow.configs.runtime import RuntimeConfig


class Runner:
    def __init__(self, workers: int) -> None:
        self.workers = workers

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


@contextmanager
def open_runner(runtime: RuntimeConfig) -> Iterator[Runner]:
    yield Runner(runtime.workers)

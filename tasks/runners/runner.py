"""Where units of work run: threads of this process, other processes, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    """Runs one unit a call. Calls of several threads run at once, as many as there are workers."""

    workers: int
    in_process: bool
    """Whether units run in this process, where its listener hears them."""

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """``function(*arguments)`` where units run; waits for it.

        function: importable by its name.  arguments and result: small, and of types that can be pickled.
        Raises what the function raises, and WorkerLostError where its worker died again and again.
        """

    def close(self, *, abandon: bool = False) -> None:
        """Let go of the workers; ``abandon`` stops what they are at."""


class ThreadRunner:
    """Units run in the threads that call, each with ``threads`` threads of torch; its own number if None."""

    in_process = True

    def __init__(self, workers: int, threads: int | None) -> None:
        self.workers, self._threads = workers, threads

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """``function(*arguments)``, here and now."""
        if self._threads is not None:
            import torch

            torch.set_num_threads(self._threads)  # of the calling thread alone
        return function(*arguments, **named)

    def close(self, *, abandon: bool = False) -> None:
        """Nothing to let go of: those who called have their results."""


def unit_name(function: Callable[..., Any]) -> str:
    """What a unit is called where it is said."""
    return function.__name__.replace("_", " ")

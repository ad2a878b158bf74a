"""Ctrl-C and SIGTERM: either unwinds the program, which then leaves by one exit code."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from proxflow.flows.cli.outcomes import INTERRUPTED, TERMINATED
from proxflow.tasks.dropped_signal import tell_again

PATIENCE_SECONDS = 3.0


class Terminated(KeyboardInterrupt):
    """SIGTERM, as a batch system sends it: leave as tidily as on Ctrl-C."""


def unwind_on_signals() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt in the main thread and SIGTERM ``Terminated``, once.

    Who presses Ctrl-C again meanwhile does not disturb the leaving; after some seconds a further signal
    ends the process at once.
    """
    stop = _Stop(sys.unraisablehook)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell starts what is in the background
        signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = stop.unraisable
    atexit.unregister(_ignore)
    atexit.register(_ignore)


def _ignore() -> None:
    """Python resets the signals as it ends: one more would end it by the signal, not by the code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Stop:
    """The signals' handler, and the hook for exceptions that nobody can catch."""

    def __init__(self, otherwise: Callable[[Any], Any]) -> None:
        already = getattr(otherwise, "__self__", None)  # a program that calls ``main`` several times
        self._otherwise: Callable[[Any], Any] = (
            already._otherwise if isinstance(already, _Stop) else otherwise
        )
        self._since: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._since is None:
            self._since = time.monotonic()
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if time.monotonic() - self._since > PATIENCE_SECONDS:
            os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)

    def unraisable(self, dropped: Any) -> None:
        """The hook: a signal that was dropped is told again."""
        tell_again(dropped, self._again, self._otherwise)

    def _again(self, stop: KeyboardInterrupt) -> None:
        self._since = None
        _thread.interrupt_main(signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)

"""Ctrl-C and SIGTERM: either unwinds the program, which then leaves by one exit code."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from proxflow.flows.cli.outcomes import INTERRUPTED, TERMINATED

PATIENCE_SECONDS = 3.0
AGAIN_SECONDS = 0.02


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
        """A handler may run inside a destructor or a weak reference's callback. Python prints what is raised
        there and goes on; here it is raised again a moment later, where it is heard."""
        if not isinstance(dropped.exc_value, KeyboardInterrupt):
            self._otherwise(dropped)
            return
        number = signal.SIGTERM if isinstance(dropped.exc_value, Terminated) else signal.SIGINT
        again = threading.Timer(AGAIN_SECONDS, self._again, [number])
        again.daemon = True
        again.start()

    def _again(self, number: signal.Signals) -> None:
        self._since = None
        _thread.interrupt_main(number)

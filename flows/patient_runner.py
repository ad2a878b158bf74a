"""Prefect's runner, made to outlast its server and to lose no run when it is stopped."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.runner import Runner
from prefect.states import AwaitingRetry

from proxflow.flows.late_report import CONTACT_FAULTS
from proxflow.flows.server_contact import alive

ANSWER_SECONDS = 3.0
ENDING_SECONDS = 20.0
ENDED = (StateType.COMPLETED, StateType.FAILED)


class PatientRunner(Runner):
    """Starts runs that are due, until SIGTERM or Ctrl-C.

    Prefect's own gives up after some minutes without a server and takes its runs with it. This one says
    once that the server is gone, lets the runs go on, and asks again. Runs that are under way when it is
    stopped are put back: they go on from their checkpoints when it is started again.

    say: tells a person.
    """

    def __init__(self, url: str, *, say: Callable[[str], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._url, self._say = url, say
        self._lost_since: float | None = None
        self._under_way: set[UUID] = set()

    async def serve(self) -> None:
        """Serve until a signal asks to stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with self:
            self._ask_for_cancellations_ourselves()
            while not stop.is_set():
                await self._poll()
                await _pause(stop, self.query_seconds)
            await self._stop_runs()
            await self.astop()

    async def _poll(self) -> None:
        self._under_way = self._process_manager.flow_run_ids()
        try:
            if not await asyncio.to_thread(alive, self._url, ANSWER_SECONDS):
                return self._note_loss()
            await self._get_and_submit_flow_runs()
            if self._under_way and self._cancelling_observer:
                await self._cancelling_observer._check_for_cancelled_flow_runs()
        except CONTACT_FAULTS:
            return self._note_loss()
        if self._lost_since is not None:
            self._say(f"the server is back after {time.monotonic() - self._lost_since:.0f} s")
            self._lost_since = None

    def _note_loss(self) -> None:
        if self._lost_since is None:
            self._lost_since = time.monotonic()
            self._say("the server does not answer; runs go on, asking again")

    def _ask_for_cancellations_ourselves(self) -> None:
        """Prefect hears of them by a connection that it does not make again once it is lost."""
        observer: Any = self._cancelling_observer
        if observer._consumer_task is not None:
            observer._consumer_task.cancel()
        if observer._polling_task is not None:
            observer._polling_task.remove_done_callback(observer._handle_polling_task_done)
            observer._polling_task.cancel()

    async def _stop_runs(self) -> None:
        """End runs under way, and put them back."""
        self.stopping = True
        processes = self._process_manager
        under_way = self._under_way | processes.flow_run_ids()  # Ctrl-C reaches them before us
        await asyncio.gather(*(processes.kill(run, ENDING_SECONDS) for run in processes.flow_run_ids()))
        end = time.monotonic() + ENDING_SECONDS
        while processes.flow_run_ids() and time.monotonic() < end:
            await asyncio.sleep(0.1)
        for run_id in under_way:
            try:
                run = await self._client.read_flow_run(run_id)
                if run.state is None or run.state.type in ENDED:
                    continue
                await self._client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
                self._say(f"{run.name}: put back; it goes on when this is started again")
            except CONTACT_FAULTS:
                self._say(f"{run_id}: stopped; the server could not be told")


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return

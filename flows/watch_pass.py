"""One look at a watched folder: the scans that arrived since the last one are reconstructed, each once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxflow.flows.batch_run import BatchListener, RunUnits, Work, batch_runner, crew_of, run_in_threads
from proxflow.flows.many_run import SCANS
from proxflow.flows.scan_unit import ScanUnit
from proxflow.flows.watch_request import WatchRequest
from proxflow.tasks.batch.batch_files import BATCH_FILES
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.batch.unit_names import folder_name
from proxflow.tasks.run_folder import new_run_folder, refuse_links
from proxflow.tasks.watch.arrivals import STATE, Arrival, arrivals, identity, same_as_seen
from proxflow.tasks.watch.watch_report import ID_SHOWN, WatchReport
from proxflow.tasks.watch.watch_state import WatchState


@dataclass(frozen=True)
class WatchPass:
    """What one pass did.

    ``arriving`` are names of scans that still change; ``elsewhere`` of those that another watcher has.
    """

    outcomes: tuple[ScanOutcome, ...]
    arriving: tuple[str, ...]
    elsewhere: tuple[str, ...]
    seconds: float
    folder: Path
    report: Path

    @property
    def status(self) -> str:
        """``done`` if every scan that was taken is."""
        return "done" if all(outcome.state == "done" for outcome in self.outcomes) else "failed"

    @property
    def sentence(self) -> str:
        """What became of the scans."""
        states = [outcome.state for outcome in self.outcomes]
        words = {"done": "done", "failed": "failed", "left": "left for the next pass"}
        parts = [f"{states.count(state)} {word}" for state, word in words.items() if state in states]
        if self.arriving:
            parts.append(f"{len(self.arriving)} still arriving")
        if self.elsewhere:
            parts.append(f"{len(self.elsewhere)} with another watcher")
        return ", ".join(parts) or "nothing new"

    def summary(self) -> dict[str, Any]:
        """The pass as plain values."""
        states = [outcome.state for outcome in self.outcomes]
        return {
            "status": self.status,
            **{state: states.count(state) for state in ("done", "failed", "left")},
            "arriving": list(self.arriving),
            "elsewhere": list(self.elsewhere),
            "seconds": round(self.seconds, 3),
            "run_dir": str(self.folder.resolve()),
            "report": str(self.report.resolve()),
            "items": [outcome.to_json() for outcome in self.outcomes],
        }


def watch_pass(
    request: WatchRequest, listener: BatchListener, run_units: RunUnits = run_in_threads
) -> WatchPass:
    """Reconstruct what arrived, write its records, and bring the combined report up to date.

    Raises RequestError if the folder cannot be listed or that of the results cannot be made.
    """
    began, recipe = time.monotonic(), request.recipe.recipe
    out = new_run_folder(recipe.name, request.out)
    refuse_links(out, (SCANS, STATE, *BATCH_FILES))
    (out / SCANS).mkdir(exist_ok=True)
    state = WatchState(request.folder, out, retry_failed=request.retry_failed)
    fresh, arriving = arrivals(
        request.folder, request.pattern, recipe.scan.reader, state.known, request.settle
    )
    report = WatchReport(
        out, f"{request.folder.name} by {recipe.name}", recipe.name, str(request.folder), request.command
    )
    taking, computing = Taking(request, state, fresh, listener), time.monotonic()
    try:
        if fresh:
            taking.run(run_units)
    finally:
        report.update(state, taking.outcomes, time.monotonic() - computing)
    seconds = time.monotonic() - began
    return WatchPass(
        tuple(taking.outcomes), tuple(arriving), tuple(taking.elsewhere), seconds, out, report.page
    )


class Taking:
    """Takes scans one by one: whoever claims a scan first reconstructs it, and writes its record."""

    def __init__(
        self, request: WatchRequest, state: WatchState, fresh: Sequence[Arrival], listener: BatchListener
    ) -> None:
        self._request, self._state, self._listener = request, state, listener
        self._fresh = {arrival.name: arrival for arrival in fresh}
        self._memory = request.recipe.recipe.runtime.store_root().resolve() / "file-digests"
        self.outcomes: list[ScanOutcome] = []
        self.elsewhere: list[str] = []
        self.scan_started = listener.scan_started

    def run(self, run_units: RunUnits) -> None:
        """Take all that nobody else has."""
        recipe, root = self._request.recipe, self._request.out.absolute()
        alone = len(self._fresh) == 1
        units = [
            recipe.unit(str(arrival.path), name, root, "", alone=alone)
            for name, arrival in self._fresh.items()
        ]
        with batch_runner(recipe.recipe.runtime, len(units)) as runner:
            crew = crew_of(runner, self)
            run_units(units, replace(crew, work=self._once(crew.work)), self)

    def scan_ended(self, outcome: ScanOutcome) -> None:
        self.outcomes.append(outcome)
        self._listener.scan_ended(outcome)

    def _once(self, work: Work) -> Work:
        """``work`` on a scan that this process could claim; None for one that is not, or no longer, to do."""

        def take(unit: ScanUnit) -> ScanOutcome | None:
            arrival = self._fresh[unit.name]
            try:
                id = identity(self._request.folder, arrival, self._memory)
                if (before := self._state.settled(id)) is not None:
                    self._state.remember(arrival, id, before)
                    return None
                with self._state.claim(id) as mine:
                    if not mine:
                        self.elsewhere.append(unit.name)
                        return None
                    if self._state.settled(id) is not None:  # by another watcher, a moment ago
                        return None
                    return self._record(arrival, id, work(replace(unit, folder=_place(unit.name, id))))
            except OSError as error:  # no verdict on the scan: the next pass tries again
                why = f"{error.filename or unit.scan} could not be read or written: {error.strerror}"
                return ScanOutcome(unit.scan, unit.name, "left", why)

        return take

    def _record(self, arrival: Arrival, id: str, outcome: ScanOutcome | None) -> ScanOutcome | None:
        if outcome is None or outcome.state not in ("done", "failed"):
            return outcome
        if not same_as_seen(self._request.folder, arrival):
            if outcome.folder:
                shutil.rmtree(self._request.out / outcome.folder, ignore_errors=True)
            why = "changed while it was read; the next pass takes it as it then is"
            return ScanOutcome(outcome.scan, outcome.name, "left", why, finished=outcome.finished)
        self._state.finish(arrival, id, outcome)
        self._state.remember(arrival, id, outcome.state)
        return outcome


def _place(name: str, id: str) -> str:
    """The run folder of a scan, the same whenever and wherever it is reconstructed."""
    return f"{SCANS}/{folder_name(str(Path(name).with_suffix('')))}-{id[:ID_SHOWN]}"

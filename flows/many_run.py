"""Many scans by one recipe: a folder with a run folder per scan, and what the batch as a whole found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxflow.flows.batch_plan import BatchRecipe
from proxflow.flows.batch_run import BatchListener, RunUnits, batch_runner, crew_of, run_in_threads
from proxflow.flows.scan_unit import ScanUnit, interrupted
from proxflow.tasks.batch.batch import Batch
from proxflow.tasks.batch.batch_files import BATCH_FILES, write_batch
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.batch.unit_names import folder_names, unit_names
from proxflow.tasks.run_folder import new_run_folder, refuse_links

REFRESH_SECONDS = 20.0  # the combined report is written anew this often while the batch runs
MOST_NAMED = 3
SCANS = "scans"  # the folder of the scans' run folders


@dataclass(frozen=True)
class FinishedBatch:
    """A batch that came to its end, with or without failures."""

    folder: Path
    report: Path
    batch: Batch


def reconstruct_scans(
    recipe: BatchRecipe,
    scans: Sequence[str],
    *,
    command: str,
    source: str,
    out: Path | None,
    listener: BatchListener,
    run_units: RunUnits = run_in_threads,
) -> FinishedBatch:
    """Reconstruct every scan and write the batch's folder, ``out`` or ``runs/TIME-NAME-many``.

    A scan that fails does not stop the others. An interruption writes what is there, and is raised again.
    """
    folder = new_run_folder(f"{recipe.recipe.name}-many", out)
    refuse_links(folder, (SCANS, *BATCH_FILES))
    (folder / SCANS).mkdir(exist_ok=True)
    names = unit_names(scans)
    units = [
        recipe.unit(scan, name, folder.absolute(), f"{SCANS}/{place}", alone=len(scans) == 1)
        for scan, name, place in zip(scans, names, folder_names(names), strict=True)
    ]
    keeper = BatchKeeper(folder, units, recipe.recipe.name, command, source, listener)
    try:
        with batch_runner(recipe.recipe.runtime, len(units)) as runner:
            run_units(units, crew_of(runner, keeper), keeper)
    finally:
        report = keeper.write()
    return FinishedBatch(folder, report, keeper.batch())


class BatchKeeper:
    """Collects the outcomes and keeps the batch's files up to date; passes everything on to ``listener``."""

    def __init__(
        self,
        folder: Path,
        units: Sequence[ScanUnit],
        recipe: str,
        command: str,
        source: str,
        listener: BatchListener,
    ) -> None:
        self._folder, self._units, self._listener = folder, units, listener
        self._recipe, self._command, self._source = recipe, command, source
        self._outcomes: dict[str, ScanOutcome] = {}
        self._began = self._written = time.monotonic()
        self.scan_started = listener.scan_started

    def scan_ended(self, outcome: ScanOutcome) -> None:
        self._outcomes[outcome.name] = outcome
        self._listener.scan_ended(outcome)
        if time.monotonic() - self._written > REFRESH_SECONDS:
            self.write()

    def batch(self) -> Batch:
        """All units; those without an outcome count as interrupted."""
        outcomes = tuple(self._outcomes.get(unit.name) or interrupted(unit) for unit in self._units)
        done = sum(outcome.state == "done" for outcome in outcomes)
        title = f"{len(outcomes)} scan{'s' if len(outcomes) != 1 else ''} by {self._recipe}"
        seconds = time.monotonic() - self._began
        return Batch(title, self._recipe, self._source, self._command, outcomes, seconds, done)

    def write(self) -> Path:
        """batch.json, batch.csv and report.html as of now; the path of the page."""
        report = write_batch(self._folder, self.batch())
        self._written = time.monotonic()
        return report


def scans_text(arguments: Sequence[str]) -> str:
    """What was asked for, in a few words for people."""
    more = f" and {len(arguments) - MOST_NAMED} more" if len(arguments) > MOST_NAMED else ""
    return ", ".join(map(str, arguments[:MOST_NAMED])) + more

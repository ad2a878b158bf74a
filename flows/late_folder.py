"""A run folder that is there once the scan proved readable, so that bad input leaves nothing behind."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.configs.recipe import Recipe
from proxflow.flows.run_entry import RunEntry
from proxflow.flows.run_log import FILES as LOG_FILES
from proxflow.flows.run_log import RunLog
from proxflow.tasks.calls import StageOutcome
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.run_folder import new_run_folder

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration


class LateFolder:
    """Passes everything on to the listener, and makes the run folder once the scan proved readable."""

    def __init__(
        self, recipe: Recipe, out: Path | None, listener: Reporter, run_log: RunLog, entry: RunEntry
    ) -> None:
        self._recipe, self._out, self._listener = recipe, out, listener
        self._run_log, self._entry = run_log, entry
        self._made = _missing_folders(out or Path("runs"))
        logs = [] if out is None or self._made else [out / name for name in LOG_FILES]
        self._new_logs = [path for path in logs if not path.exists()]
        self._path: Path | None = None
        self._stopped = False
        self.stage_waiting = listener.stage_waiting
        self.items_solved = listener.items_solved

    def create(self) -> Path:
        """The run folder, made at the first call."""
        if self._path is None:
            self._path = new_run_folder(self._recipe.name, self._out, self._recipe.report.file)
            self._run_log.write_to(self._path)
            self._entry.folder_made(self._path)
        return self._path

    def remove(self) -> None:
        """Undo ``create``; what lay there before stays."""
        if self._path is None:
            return
        if self._out is None or self._made:
            shutil.rmtree(self._path, ignore_errors=True)
        for path in self._new_logs:
            path.unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):  # gone already, or another run's by now
                folder.rmdir()

    def stop(self) -> None:
        """End what an engine's threads still compute, and what they would begin: the process would wait."""
        self._stopped = True

    def stage_started(self, label: str) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._listener.stage_started(label)

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._listener.iteration(label, item, n_items, iteration)

    def stage_finished(self, outcome: StageOutcome) -> None:
        self.create()
        self._entry.stage_finished(outcome)
        self._listener.stage_finished(outcome)


def _missing_folders(path: Path) -> list[Path]:
    """``path`` and the folders above it that do not exist yet, innermost first."""
    try:
        return [folder for folder in (path, *path.parents) if not folder.exists()]
    except OSError:  # a name too long, say: making the folder tells
        return [path]

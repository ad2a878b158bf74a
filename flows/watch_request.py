"""What a watch is asked to do."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from proxflow.flows.batch_plan import BatchRecipe
from proxflow.tasks.errors import RequestError
from proxflow.tasks.watch.arrivals import EVERYTHING

LONGEST_SETTLE = 86_400.0


@dataclass(frozen=True)
class WatchRequest:
    """A folder that is watched, and what is done with each scan that arrives in it; see ``watch_request``."""

    folder: Path
    recipe: BatchRecipe
    out: Path
    command: str
    pattern: str
    settle: float
    retry_failed: bool


def watch_request(
    folder: Path,
    recipe: BatchRecipe,
    out: Path | None = None,
    pattern: str = EVERYTHING,
    settle: float = 5.0,
    retry_failed: bool = False,
) -> WatchRequest:
    """Checked: RequestError for a folder that is not there, a pattern that leaves it, a senseless time.

    Without ``out``, results go to a folder of the recipe's name in the watched one, so that every watch of
    the folder, started from wherever, finds the same.
    """
    if not str(folder) or not folder.expanduser().is_dir():
        raise RequestError(f"folder must be an existing folder, got {str(folder)!r}")
    if not isinstance(settle, int | float) or not 0 <= settle <= LONGEST_SETTLE:
        raise RequestError(f"settle must be between 0 and {LONGEST_SETTLE:g} seconds, got {settle!r:.80}")
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise RequestError(f"pattern must be one of names in the folder, as *.h5, got {pattern!r}")
    watched = folder.expanduser().absolute()
    results = out.expanduser() if out else watched / f"proxflow-{recipe.recipe.name}"
    settings = [part for change in recipe.changes for part in ("--set", change)]
    command = ["proxflow", "watch", str(folder), "--recipe", recipe.text, "--out", str(results), *settings]
    if pattern != EVERYTHING:
        command += ["--pattern", pattern]
    return WatchRequest(watched, recipe, results, shlex.join(command), pattern, settle, retry_failed)

"""Everything that can be said of a run before it is started."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.tasks.calls import Machine
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.estimate import StageEstimate, estimate_run, resident_bytes, store_bytes
from proxflow.tasks.memory import available_bytes
from proxflow.tasks.peek import PeekEngine
from proxflow.tasks.pipeline import run_stages
from proxflow.tasks.rehearsal import Rehearsal, rehearse
from proxflow.tasks.series_rank import check_rank


@dataclass(frozen=True)
class RunCheck:
    """A run that can be started, and what it is expected to take.

    ``in_store`` tells of each stage whether its artefact is there, None where that was not looked up.
    """

    fit: Rehearsal
    device: str
    estimates: tuple[StageEstimate, ...]
    in_store: dict[str, bool | None]
    store_bytes: int
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of the stages that are not in the store."""
        return sum(stage.seconds for stage in self._to_do())

    @property
    def memory_bytes(self) -> int:
        """The largest peak of the stages that are not in the store; 0 if all are."""
        return max((stage.memory_bytes for stage in self._to_do()), default=0)

    def _to_do(self) -> list[StageEstimate]:
        return [stage for stage in self.estimates if not self.in_store.get(stage.label)]


def check_run(recipe: Recipe, methods: Sequence[MethodConfig], command: str) -> RunCheck:
    """Check device, scan and steps, and estimate; no file or folder is written or made.

    ``command`` is the text the run's report will show: it is part of the report's key.
    Raises ScanError or RequestError, as the run would.
    """
    device, base = resolve_device(recipe.runtime.device), resident_bytes()
    fit = rehearse(recipe)
    for config in methods:
        fit.kind.check_method(config.method, fit.scan)
        check_rank(config, fit.scan["planes"])
    root, limit = recipe.runtime.store_root().resolve(), parse_size(recipe.runtime.store_limit)
    engine = PeekEngine(Machine(str(root), limit, device, recipe.runtime.checkpoint_seconds))
    run_stages(recipe, methods, engine, command)
    estimates = tuple(estimate_run(recipe, methods, fit, device, base))
    checked = RunCheck(fit, device, estimates, engine.calls, store_bytes(methods, fit), ())
    return replace(checked, warnings=_warnings(checked, root, limit))


def _warnings(checked: RunCheck, root: Path, limit: int) -> tuple[str, ...]:
    warnings = []
    if checked.memory_bytes > available_bytes():
        warnings.append(
            f"the machine has {available_bytes() / 2**30:.1f} GiB of memory free, the run may need "
            f"{checked.memory_bytes / 2**30:.1f} GiB"
        )
    if checked.store_bytes > limit:
        warnings.append(
            f"the store keeps {limit / 2**30:.1f} GiB at most (runtime.store_limit), the run writes about "
            f"{checked.store_bytes / 2**30:.1f} GiB: a second run would compute again"
        )
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if checked.seconds and checked.store_bytes > free:
        warnings.append(
            f"the store's disk has {free / 2**30:.1f} GiB free, the run writes about "
            f"{checked.store_bytes / 2**30:.1f} GiB"
        )
    return tuple(warnings)

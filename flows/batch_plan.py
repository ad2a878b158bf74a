"""What a batch is asked to do, made into units: one scan each."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.loading import load_recipe
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.carry_out import COMMAND, machine_for
from proxflow.flows.method_names import check_names
from proxflow.flows.scan_unit import ScanUnit
from proxflow.tasks.processes import this_process
from proxflow.tasks.run_record import Origin

ANY_SCAN = "scan.path=sample://any"  # a recipe for many scans need not name one
LONGEST_TITLE = 200
PLAIN_YAML = re.compile(r"(sample://)?[\w./+-]+")


@dataclass(frozen=True)
class BatchRecipe:
    """A recipe for many scans.

    ``text`` is how it was named, ``changes`` what ``--set`` changed, ``names`` the methods asked for,
    ``origin`` who started the batch.
    """

    recipe: Recipe
    text: str
    changes: tuple[str, ...]
    names: tuple[str, ...]
    origin: Origin = COMMAND

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods to run; the recipe's own if none was asked for."""
        return self.names or (self.recipe.reconstruct.method,)

    def unit(self, scan: str, name: str, root: Path, folder: str, *, alone: bool) -> ScanUnit:
        """The recipe on one scan. Scans are spread over the workers, and a scan's slices only where it is
        ``alone``."""
        recipe = self.recipe
        headline = recipe.report.title or recipe.description or recipe.name
        updates = {
            "scan": recipe.scan.model_copy(update={"path": scan}),
            "report": recipe.report.model_copy(update={"title": f"{name}: {headline}"[:LONGEST_TITLE]}),
        }
        if not alone:
            updates["runtime"] = recipe.runtime.model_copy(update={"runner": "threads", "workers": 1})
        values = recipe.model_copy(update=updates).model_dump(mode="json")
        batch = {"kind": "batch", "batch": root.name, "process": this_process()}
        origin = self.origin.model_copy(update=batch)
        return ScanUnit(scan, name, values, self.methods, str(root), folder, self._command(scan), origin)

    def _command(self, scan: str) -> str:
        """The command that makes this scan's run alone."""
        shown = scan if PLAIN_YAML.fullmatch(scan) else json.dumps(scan)
        return self.command("compare" if self.names else "run", changes=(*self.changes, f"scan.path={shown}"))

    def command(self, verb: str, *more: str, changes: Sequence[str] | None = None) -> str:
        """``proxflow VERB`` with this recipe, then ``more``, then the changes and methods."""
        settings = [part for change in changes or self.changes for part in ("--set", change)]
        named = ["--methods", ",".join(self.names)] if self.names else []
        return shlex.join(["proxflow", verb, self.text, *more, *settings, *named])


def batch_recipe(recipe: str, changes: Sequence[str], methods: Sequence[str]) -> BatchRecipe:
    """Load and check what all scans share, before any of them is touched; nothing is written.

    Raises RecipeError or RequestError, as a run of one scan would.
    """
    names = check_names(methods)
    loaded = load_recipe(recipe_path(Path(recipe)), [*changes, ANY_SCAN])
    machine_for(loaded)
    return BatchRecipe(loaded, recipe, tuple(changes), tuple(names))


def check_machine(recipe: Recipe) -> None:
    """RequestError for a device that is not here, StoreError for a store that cannot be used; its folder is
    made where it is missing."""
    machine = machine_for(recipe)
    ArtefactStore(machine.store_path, machine.store_limit)

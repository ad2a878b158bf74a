"""Stages whose items are independent problems: solved one by one here, or by many workers at once.

A worker keeps what it found of an item among the stage's checkpoints; the stage itself then assembles
them. Who solved an item, and in which order, decides neither the artefact's key nor a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from proxflow.data.store.locks import exclusive
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine, StageCall, StageContext
from proxflow.tasks.granted_memory import in_memory
from proxflow.tasks.item_costs import cost_kept
from proxflow.tasks.memory import release_free_memory
from proxflow.tasks.stage import call_key, opened_context

if TYPE_CHECKING:
    from proxflow.tasks.stages.checkpoints import Finished, StageCheckpoints

SolveItem = Callable[["StageContext", "StageCheckpoints", int], "Finished"]

SOLVERS = {
    "reconstruct": "proxflow.tasks.stages.reconstruct:reconstruct_item",
    "hold_out": "proxflow.tasks.stages.hold_out:hold_out_item",
}


def n_items(call: StageCall, store: ArtefactStore) -> int:
    """How many items ``call``, to a stage in ``SOLVERS``, can be solved apart."""
    with store.open(call.inputs["prepared"]) as prepared:
        return len(prepared.document("scan")["labels"])


def solve_items(call: StageCall, machine: Machine, items: Sequence[int]) -> int:
    """Solve these items and keep them for the stage; how many had to be solved here.

    Two that ask for one item at once wait for each other. Nothing is done once the stage's artefact is there.
    """
    store = ArtefactStore(machine.store_path, machine.store_limit)
    try:
        return in_memory(call.label, machine, lambda granted: _solve_items(call, granted, store, items))
    finally:
        store.release()


def _solve_items(call: StageCall, machine: Machine, store: ArtefactStore, items: Sequence[int]) -> int:
    from proxflow.tasks.stages.checkpoints import StageCheckpoints  # imports torch, which a hit does not need

    module, _, name = SOLVERS[call.stage].partition(":")
    solve: SolveItem = getattr(import_module(module), name)
    key, solved = call_key(call, machine), 0
    with ExitStack() as stack:
        context = opened_context(call, machine, store, key, stack)
        checkpoints = StageCheckpoints(context, n_items(call, store))
        for item in items:
            with exclusive(store.root / "locks" / f"{key}-{item}.lock"):
                if store.path(key).exists():
                    return solved
                if checkpoints.finished(item) is None:
                    with cost_kept(context.checkpoints, item):
                        checkpoints.keep_at_once(item, solve(context, checkpoints, item))
                    solved += 1
            release_free_memory()
    return solved

"""One stage call on a runner: as a whole, or its items spread over the workers first."""

from __future__ import annotations

from dataclasses import dataclass

from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.errors import RequestError
from proxflow.tasks.reporting import reporter
from proxflow.tasks.runners.runner import Runner
from proxflow.tasks.stage import call_key, execute, execute_elsewhere, find
from proxflow.tasks.stages.items import SOLVERS, n_items, solve_items

PARTS_PER_WORKER = 4  # a worker that is slower, or lost, leaves little behind


@dataclass(frozen=True)
class Dispatcher:
    """Runs stage calls of one run on its runner; an engine decides in which threads."""

    machine: Machine
    store: ArtefactStore
    runner: Runner

    def run(self, call: StageCall) -> StageOutcome:
        """``execute`` where units run; what the store has is not sent there."""
        if self.runner.in_process:
            return self.runner.call(execute, call, self.machine, self.store)
        if (found := find(call, self.machine, self.store)) is not None:
            return found
        reporter().stage_started(call.label)
        outcome = self.runner.call(execute_elsewhere, call, self.machine)
        if self.store.find(call.label, outcome.ref.key) is None:
            raise RequestError(
                "runtime.store must be a folder that workers share with this process, "
                f"got {self.machine.store_root}, where nothing of theirs arrived"
            )
        reporter().stage_finished(outcome)
        return outcome

    def parts(self, call: StageCall) -> list[tuple[int, ...]]:
        """The items of ``call`` in parts for the workers; none where that gains nothing."""
        if self.runner.workers == 1 or call.stage not in SOLVERS:
            return []
        if self.store.path(call_key(call, self.machine)).exists():
            return []
        count = n_items(call, self.store)
        if count == 1:
            return []
        reporter().stage_started(call.label)
        size = -(-count // (PARTS_PER_WORKER * self.runner.workers))
        return [tuple(range(start, min(start + size, count))) for start in range(0, count, size)]

    def solve_part(self, call: StageCall, items: tuple[int, ...]) -> int:
        """Solve some of the items where units run, for ``run`` to assemble; how many."""
        self.runner.call(solve_items, call, self.machine, items)
        return len(items)


def part_label(label: str, items: tuple[int, ...]) -> str:
    """``reconstruct:tv 1-8``, items counted from one as people do."""
    first, last = items[0] + 1, items[-1] + 1
    return f"{label} {first}" if first == last else f"{label} {first}-{last}"

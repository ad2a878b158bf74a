"""One training of a network: ledger, data, log, folder. All ways to start come here."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from proxflow.configs.runtime import RuntimeConfig
from proxflow.flows.carry_out import COMMAND
from proxflow.flows.many_run import scans_text
from proxflow.flows.network_plan import NetworkPlan
from proxflow.flows.run_entry import RunEntry, RunSubject
from proxflow.flows.run_log import FILES, RunLog
from proxflow.models.networks.judged import Judged
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training.folder import CARD, EXAMPLES, LOSS, NUMBERS
from proxflow.tasks.network_training.loop import CHECKPOINT, train_network
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.network_training.watcher import SilentWatcher, TrainingWatcher
from proxflow.tasks.run_folder import new_run_folder, refuse_links
from proxflow.tasks.run_record import Origin

log = logging.getLogger("proxflow.run")
WRITTEN = (CHECKPOINT, CARD, NUMBERS, LOSS, EXAMPLES, *FILES)
T = TypeVar("T")

# Who watches a training that runs as a flow; the command line's bar, where there is one.
bar: ContextVar[TrainingWatcher] = ContextVar("bar", default=SilentWatcher())  # noqa: B039


class Part(Protocol):
    """Carries out a named part of a training."""

    def __call__(self, name: str, work: Callable[[], T]) -> T: ...


@dataclass(frozen=True)
class FinishedTraining:
    """A training that is done; ``rows``: what was judged after its last step."""

    folder: Path
    weights: Path
    rows: tuple[Judged, ...]
    seconds: float
    steps_per_second: float

    @property
    def card(self) -> Path:
        """What a user of the weights must know."""
        return self.folder / CARD


def at_once(name: str, work: Callable[[], T]) -> T:
    """A part without a record of its own."""
    return work()


def launch_network_training(
    plan: NetworkPlan,
    *,
    out: Path | None,
    watcher: TrainingWatcher,
    origin: Origin = COMMAND,
    part: Part = at_once,
) -> FinishedTraining:
    """Train and write the folder; a folder with the checkpoint of this very training is gone on with.

    Bad input leaves nothing but a line in the ledger. A training that is told to stop leaves a checkpoint,
    and says as a note of the exception how to go on.
    """
    entry = RunEntry(_subject(plan), plan.command, origin)
    with RunLog(entry.id) as run_log, entry:
        place = resolve_device(plan.device)
        training = part("images" if plan.sources else "scenes", lambda: plan.prepare(place))
        fresh = out is None or not out.exists()
        folder = new_run_folder(plan.names.name, out)
        refuse_links(folder, (*WRITTEN, plan.names.weights))
        run_log.write_to(folder)
        entry.folder_made(folder)
        log.info("%s; device %s", plan.command, place)

        def train() -> Trained:
            how = {"command": plan.command, "device": place}
            return train_network(training, folder, watcher, checkpoint_seconds=plan.checkpoint_seconds, **how)

        try:
            trained = part("training", train)
        except RequestError:
            if fresh:
                _remove(folder)
            raise
        except BaseException as stop:
            _leave(stop, plan, folder)
            raise
        weights = part("results", lambda: training.write(folder, trained))
        log.info("done after %.0f s of training, %s", trained.history.seconds, weights)
        rows = tuple(trained.history.validation[-1][1])
        finished = FinishedTraining(
            folder, weights, rows, trained.history.seconds, trained.history.steps_per_second
        )
        entry.finished(finished.card)
    return finished


def _subject(plan: NetworkPlan) -> RunSubject:
    """Over the user's store: a training has none of its own, but the ledger there lists all runs."""
    usual = RuntimeConfig()
    store, sources = usual.store_root(), scans_text(plan.sources) if plan.sources else ""
    return RunSubject(
        store, usual.store_limit, plan.names.name, plan.names.kind, (plan.names.network,), sources
    )


def _leave(error: BaseException, plan: NetworkPlan, folder: Path) -> None:
    log.error("%s: %s", type(error).__name__, error, exc_info=isinstance(error, Exception))
    if not isinstance(error, Exception) and (folder / CHECKPOINT).exists():
        how = f"go on with {plan.command} --out {shlex.quote(str(folder))}"
        log.info("%s", how)
        error.add_note(how)


def _remove(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()

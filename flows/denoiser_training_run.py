"""One training of a denoiser: ledger, images, log, folder. All ways to start come here."""

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
from proxflow.flows.denoiser_plan import DenoiserPlan
from proxflow.flows.many_run import scans_text
from proxflow.flows.run_entry import RunEntry, RunSubject
from proxflow.flows.run_log import FILES, RunLog
from proxflow.models.networks.dncnn import DnCNN
from proxflow.tasks.denoiser_training.checkpoint import History
from proxflow.tasks.denoiser_training.folder import Trained, write_denoiser_folder
from proxflow.tasks.denoiser_training.load import load_images
from proxflow.tasks.denoiser_training.train import (
    CHECKPOINT,
    LEVELS,
    SilentWatcher,
    TrainingWatcher,
    train_denoiser,
)
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.errors import RequestError
from proxflow.tasks.run_folder import new_run_folder, refuse_links
from proxflow.tasks.run_record import Origin

log = logging.getLogger("proxflow.run")
WRITTEN = (CHECKPOINT, "denoiser.safetensors", "card.md", "training.json", *FILES)
METHOD = "dncnn"
T = TypeVar("T")

# Who watches a training that runs as a flow; the command line's bar, where there is one.
bar: ContextVar[TrainingWatcher] = ContextVar("bar", default=SilentWatcher())  # noqa: B039


class Part(Protocol):
    """Carries out a named part of a training."""

    def __call__(self, name: str, work: Callable[[], T]) -> T: ...


@dataclass(frozen=True)
class FinishedDenoiser:
    """A training that is done; ``psnr``: (noise level, dB before, dB after) on subjects kept apart."""

    folder: Path
    weights: Path
    psnr: tuple[tuple[float, float, float], ...]
    seconds: float

    @property
    def card(self) -> Path:
        """What a user of the weights must know."""
        return self.folder / "card.md"


def at_once(name: str, work: Callable[[], T]) -> T:
    """A part without a record of its own."""
    return work()


def launch_denoiser_training(
    plan: DenoiserPlan,
    *,
    out: Path | None,
    watcher: TrainingWatcher,
    origin: Origin = COMMAND,
    part: Part = at_once,
) -> FinishedDenoiser:
    """Train and write the folder; a folder with the checkpoint of this very training is gone on with.

    Bad input leaves nothing but a line in the ledger. A training that is told to stop leaves a checkpoint,
    and says as a note of the exception how to go on.
    """
    entry = RunEntry(_subject(plan), plan.command, origin)
    with RunLog(entry.id) as run_log, entry:
        place = resolve_device(plan.device)
        images = part("images", lambda: load_images(plan.sources, plan.config))
        fresh = out is None or not out.exists()
        folder = new_run_folder(plan.name, out)
        refuse_links(folder, WRITTEN)
        run_log.write_to(folder)
        entry.folder_made(folder)
        log.info("%s; device %s", plan.command, place)

        def train() -> tuple[DnCNN, History]:
            every = plan.checkpoint_seconds
            return train_denoiser(
                images, plan.config, folder, watcher, device=place, checkpoint_seconds=every
            )

        try:
            network, history = part("training", train)
        except RequestError:
            if fresh:
                _remove(folder)
            raise
        except BaseException as stop:
            _leave(stop, plan, folder)
            raise
        trained = Trained(images, plan.config, network, history, plan.command)
        weights = part("results", lambda: write_denoiser_folder(folder, trained))
        log.info("done after %.0f s of training, %s", history.seconds, weights)
        rows = history.validation[-1][1]
        psnr = tuple((level, before, after) for level, (before, after) in zip(LEVELS, rows, strict=True))
        finished = FinishedDenoiser(folder, weights, psnr, history.seconds)
        entry.finished(finished.card)
    return finished


def _subject(plan: DenoiserPlan) -> RunSubject:
    """Over the user's store: a training has none of its own, but the ledger there lists all runs."""
    usual = RuntimeConfig()
    sources = scans_text(plan.sources)
    return RunSubject(usual.store_root(), usual.store_limit, plan.name, plan.config.kind, (METHOD,), sources)


def _leave(error: BaseException, plan: DenoiserPlan, folder: Path) -> None:
    log.error("%s: %s", type(error).__name__, error, exc_info=isinstance(error, Exception))
    if not isinstance(error, Exception) and (folder / CHECKPOINT).exists():
        how = f"go on with {plan.command} --out {shlex.quote(str(folder))}"
        log.info("%s", how)
        error.add_note(how)


def _remove(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()

"""One training of a denoiser from start to finish: images, log, folder. Both ways to start one come here."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.flows.run_log import FILES, RunLog
from proxflow.tasks.denoiser_training.folder import Trained, write_denoiser_folder
from proxflow.tasks.denoiser_training.load import load_images
from proxflow.tasks.denoiser_training.train import LEVELS, TrainingWatcher, train_denoiser
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.errors import RequestError
from proxflow.tasks.run_folder import new_run_folder, refuse_links

log = logging.getLogger("proxflow.run")
WRITTEN = ("checkpoint.safetensors", "denoiser.safetensors", "card.md", "training.json", *FILES)


@dataclass(frozen=True)
class DenoiserPlan:
    """A training as it was asked for: what to read, how to train, and the command that asks for it."""

    sources: tuple[str, ...]
    config: DenoiserTraining
    command: str


@dataclass(frozen=True)
class FinishedDenoiser:
    """A training that is done; ``psnr``: (noise level, dB before, dB after) on subjects kept apart."""

    folder: Path
    weights: Path
    psnr: tuple[tuple[float, float, float], ...]
    seconds: float


def plan_denoiser(sources: Sequence[str], numbers: dict[str, object]) -> DenoiserPlan:
    """The plan for ``numbers`` of ``DenoiserTraining``; RequestError, in one sentence, where one is wrong."""
    if not sources:
        raise RequestError("images must be named, got none")
    try:
        config = DenoiserTraining.model_validate(numbers)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("validate_on", "validate").replace("_", "-")
        raise RequestError(f"--{option} must be right: {first['msg']}, got {first['input']}") from None
    return DenoiserPlan(tuple(sources), config, _command(sources, config))


def launch_denoiser_training(
    plan: DenoiserPlan,
    *,
    out: Path | None,
    device: str,
    watcher: TrainingWatcher,
    checkpoint_seconds: float = 60.0,
) -> FinishedDenoiser:
    """Train and write the folder; a folder with the checkpoint of this very training is gone on with.

    Bad input leaves no folder behind.
    """
    place = resolve_device(device)
    images = load_images(plan.sources, plan.config)
    fresh = out is None or not out.exists()
    folder = new_run_folder(f"denoiser-{plan.config.kind}", out)
    refuse_links(folder, WRITTEN)
    with RunLog(folder.name) as run_log:
        try:
            run_log.write_to(folder)
            log.info("%s; device %s", plan.command, place)
            network, history = train_denoiser(
                images,
                plan.config,
                folder,
                watcher,
                device=place,
                checkpoint_seconds=checkpoint_seconds,
            )
        except RequestError:
            if fresh:
                _remove(folder)
            raise
        weights = write_denoiser_folder(folder, Trained(images, plan.config, network, history, plan.command))
        log.info("done after %.0f s of training, %s", history.seconds, weights)
    rows = history.validation[-1][1]
    psnr = tuple((level, before, after) for level, (before, after) in zip(LEVELS, rows, strict=True))
    return FinishedDenoiser(folder, weights, psnr, history.seconds)


def _remove(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def _command(sources: Sequence[str], config: DenoiserTraining) -> str:
    """The command line that does the same; only what is not as usual is named."""
    parts = ["proxflow", "train-denoiser", *sources]
    usual = DenoiserTraining(kind=config.kind).model_dump()
    names = {"validate_on": "validate", "sigma_high": "sigma-high"}
    for name, value in config.model_dump().items():
        if name == "kind" or value != usual[name]:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            parts += [f"--{names.get(name, name)}", text]
    return shlex.join(parts)

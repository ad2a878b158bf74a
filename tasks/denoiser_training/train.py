"""The training of a denoiser: steps, checkpoints, and what is measured on the way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.data.store.uninterrupted import uninterrupted
from proxflow.models.denoisers.noisy_crops import CropSettings, Subject, draw_crops
from proxflow.models.denoisers.training import (
    Trainee,
    find_gradient,
    follow_gradient,
    new_trainee,
    psnr_per_level,
)
from proxflow.models.networks.dncnn import DnCNN
from proxflow.tasks.denoiser_training.checkpoint import History, load_checkpoint, save_checkpoint
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.denoisers import open_network
from proxflow.tasks.errors import RequestError

CHECKPOINT = "checkpoint.safetensors"
LEVELS = (0.005, 0.01, 0.02, 0.05, 0.1)  # noise at which it is judged, as a part of the peak
LOW_NOISE = 0.2  # of the strongest: below it errors count fully
STRETCH = 25  # steps whose losses are averaged
VALIDATE_EVERY = 250
MOST_JUDGED = 16  # images


class TrainingWatcher(Protocol):
    """Hears how a training goes on."""

    def began(self, step: int, n_steps: int) -> None:
        """Steps done already, and of how many."""

    def stepped(self, step: int, loss: float) -> None:
        """A step is done."""

    def judged(self, step: int, psnr: Sequence[tuple[float, float]]) -> None:
        """PSNR before and after at each of ``LEVELS``."""


class SilentWatcher:
    """Hears everything, says nothing."""

    def began(self, step: int, n_steps: int) -> None: ...

    def stepped(self, step: int, loss: float) -> None: ...

    def judged(self, step: int, psnr: Sequence[tuple[float, float]]) -> None: ...


def train_denoiser(
    images: TrainingImages,
    config: DenoiserTraining,
    folder: Path,
    watcher: TrainingWatcher,
    *,
    device: str = "cpu",
    checkpoint_seconds: float = 60.0,
) -> tuple[DnCNN, History]:
    """The trained network and its history; goes on at ``folder``/checkpoint.safetensors if that is there.

    A step is decided by the weights, the images, the seed and its number, so on one CPU with as many threads
    a training that was stopped or killed gives, bit for bit, what one gives that was not. Told to stop, by
    Ctrl-C or SIGTERM, it keeps a checkpoint of the last whole step.
    """
    settings = CropSettings(config.side, config.batch, config.sigma_high, circle=config.circle_share)
    network = _first_network(config).to(device)
    trainee, path = new_trainee(network, config.steps, config.decay), folder / CHECKPOINT
    digest, history = _digest(images, config), History()
    if path.is_file():
        history = load_checkpoint(path, trainee, digest)
    began, saved = time.monotonic() - history.seconds, time.monotonic()
    low_noise = LOW_NOISE * config.sigma_high if config.weighting == "relative" else None
    mixed = config.precision == "bfloat16"
    judged = judged_images(images.kept_apart)

    def keep() -> None:
        history.seconds = time.monotonic() - began
        save_checkpoint(path, trainee, history, digest)

    watcher.began(trainee.step, config.steps)
    try:
        _judge(trainee, history, judged, watcher)  # one that was stopped may have been about to
        while trainee.step < config.steps:
            crops = draw_crops(images.trained, settings, config.seed, trainee.step)
            loss = find_gradient(trainee, crops, low_noise=low_noise, mixed=mixed)
            with uninterrupted():
                follow_gradient(trainee)
                history.add(trainee.step, loss, ends_stretch=_ends(trainee, STRETCH))
            watcher.stepped(trainee.step, loss)
            _judge(trainee, history, judged, watcher)
            if time.monotonic() - saved > checkpoint_seconds:
                keep()
                saved = time.monotonic()
    except BaseException as stop:
        if trainee.step and not isinstance(stop, Exception):
            keep()
        raise
    keep()
    return network, history


def judged_images(subjects: Sequence[Subject]) -> list[Tensor]:
    """Images of the subjects kept apart, in the smallest size, evenly chosen and at most 16."""
    found = [copies[0] for subject in subjects for copies in subject.slices]
    return found[:: -(-len(found) // MOST_JUDGED)]


def _ends(trainee: Trainee, stretch: int) -> bool:
    return trainee.step % stretch == 0 or trainee.step == trainee.n_steps


def _judge(trainee: Trainee, history: History, images: Sequence[Tensor], watcher: TrainingWatcher) -> None:
    """Where it is time, and it was not done yet."""
    done = history.validation[-1][0] if history.validation else 0
    if trainee.step > done and _ends(trainee, VALIDATE_EVERY):
        psnr = psnr_per_level(trainee.network, images, LEVELS)
        history.validation.append((trainee.step, psnr))
        watcher.judged(trainee.step, psnr)


def _first_network(config: DenoiserTraining) -> DnCNN:
    """With weights drawn by the seed, or those to start from."""
    if config.start:
        network, peak = open_network(config.start)
        if network.predicts != config.predicts or peak != 1:
            raise RequestError(
                f"--start must be weights that predict the {config.predicts} of objects with peak 1, got "
                f"{network.predicts} and peak {peak:g}"
            )
        return network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return DnCNN(config.predicts)


def _digest(images: TrainingImages, config: DenoiserTraining) -> str:
    text = f"{images.digest} {config.model_dump_json()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

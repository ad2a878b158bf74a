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
from proxflow.models.denoisers.noisy_crops import CropSettings, Subject, draw_crops
from proxflow.models.denoisers.training import Trainee, new_trainee, psnr_per_level, training_step
from proxflow.models.networks.dncnn import DnCNN
from proxflow.tasks.denoiser_training.checkpoint import History, load_checkpoint, save_checkpoint
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.denoisers import open_network
from proxflow.tasks.errors import RequestError

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
    a training that was killed gives, bit for bit, what one gives that was not.
    """
    settings = CropSettings(config.side, config.batch, config.sigma_high, circle=config.circle_share)
    network = _first_network(config).to(device)
    trainee, path = new_trainee(network, config.steps, config.decay), folder / "checkpoint.safetensors"
    digest, history = _digest(images, config), History()
    if path.is_file():
        history = load_checkpoint(path, trainee, digest)
    began, saved, losses = time.monotonic() - history.seconds, time.monotonic(), list[float]()
    low_noise = LOW_NOISE * config.sigma_high if config.weighting == "relative" else None
    mixed = config.precision == "bfloat16"
    judged = judged_images(images.kept_apart)
    watcher.began(trainee.step, config.steps)
    while trainee.step < config.steps:
        crops = draw_crops(images.trained, settings, config.seed, trainee.step)
        losses.append(training_step(trainee, crops, low_noise=low_noise, mixed=mixed))
        watcher.stepped(trainee.step, losses[-1])
        last = trainee.step == config.steps
        if trainee.step % STRETCH and not last:
            continue
        history.losses.append((trainee.step, sum(losses) / len(losses)))
        losses.clear()
        if trainee.step % VALIDATE_EVERY == 0 or last:
            history.validation.append((trainee.step, _judge(trainee, judged, watcher)))
        if last or time.monotonic() - saved > checkpoint_seconds:
            history.seconds = time.monotonic() - began
            save_checkpoint(path, trainee, history, digest)
            saved = time.monotonic()
    return network, history


def judged_images(subjects: Sequence[Subject]) -> list[Tensor]:
    """Images of the subjects kept apart, in the smallest size, evenly chosen and at most 16."""
    found = [copies[0] for subject in subjects for copies in subject.slices]
    return found[:: -(-len(found) // MOST_JUDGED)]


def _judge(trainee: Trainee, images: Sequence[Tensor], watcher: TrainingWatcher) -> list[tuple[float, float]]:
    psnr = psnr_per_level(trainee.network, images, LEVELS)
    watcher.judged(trainee.step, psnr)
    return psnr


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

"""The training of a network: steps, checkpoints, and what is measured on the way."""

from __future__ import annotations

import time
from pathlib import Path

from proxflow.data.store.uninterrupted import uninterrupted
from proxflow.models.networks.trainee import Trainee, follow_gradient, forget_gradient
from proxflow.tasks.network_training.checkpoint import load_checkpoint, save_checkpoint
from proxflow.tasks.network_training.history import History
from proxflow.tasks.network_training.training import Trained, Training
from proxflow.tasks.network_training.watcher import TrainingWatcher

CHECKPOINT = "checkpoint.safetensors"
STRETCH = 25  # steps whose losses are averaged


def train_network(
    training: Training,
    folder: Path,
    watcher: TrainingWatcher,
    *,
    command: str = "",
    device: str = "cpu",
    checkpoint_seconds: float = 60.0,
) -> Trained:
    """The trained network and its history; goes on at ``folder``/checkpoint.safetensors if that is there.

    A step is decided by the network, the data, the seed and its number, so on one CPU with as many threads
    a training that was stopped or killed gives, bit for bit, what one gives that was not. Told to stop, by
    Ctrl-C or SIGTERM, it keeps a checkpoint of the last whole step.
    """
    trainee, history, path = training.begin(device), History(), folder / CHECKPOINT
    if path.is_file():
        history = load_checkpoint(path, trainee, training.digest)
    began, saved = time.monotonic() - history.seconds, time.monotonic()

    def keep() -> None:
        history.seconds = time.monotonic() - began
        save_checkpoint(path, trainee, history, training.digest)

    watcher.began(trainee.step, trainee.n_steps)
    try:
        _judge(training, trainee, history, watcher)  # one that was stopped may have been about to
        while trainee.step < trainee.n_steps:
            loss = training.find_gradient(trainee)
            with uninterrupted():
                follow_gradient(trainee)
                history.add(trainee.step, loss, ends_stretch=_ends(trainee, STRETCH))
            watcher.stepped(trainee.step, loss)
            _judge(training, trainee, history, watcher)
            if time.monotonic() - saved > checkpoint_seconds:
                keep()
                saved = time.monotonic()
    except BaseException as stop:
        if trainee.step and not isinstance(stop, Exception):
            forget_gradient(trainee)
            keep()
        raise
    keep()
    return Trained(trainee.result, history, command)


def _ends(trainee: Trainee, stretch: int) -> bool:
    return trainee.step % stretch == 0 or trainee.step == trainee.n_steps


def _judge(training: Training, trainee: Trainee, history: History, watcher: TrainingWatcher) -> None:
    """Where it is time, and it was not done yet."""
    done = history.validation[-1][0] if history.validation else 0
    if trainee.step > done and _ends(trainee, training.judge_every):
        rows = training.judge(trainee.result)
        history.validation.append((trainee.step, rows))
        watcher.judged(trainee.step, rows)

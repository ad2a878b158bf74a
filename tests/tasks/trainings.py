"""Trainings that are interrupted where a test wants it, and images for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from proxflow.models.networks.judged import Judged
from proxflow.tasks.network_training.loop import train_network
from proxflow.tasks.network_training.training import Trained, Training
from proxflow.tasks.network_training.watcher import SilentWatcher


class Stopper(SilentWatcher):
    """Ctrl-C after the step ``at``, when it is told of it or when it is judged."""

    def __init__(self, at: int, *, judged: bool = False) -> None:
        self._at, self._judged = at, judged

    def stepped(self, step: int, loss: float) -> None:
        if step == self._at and not self._judged:
            raise KeyboardInterrupt

    def judged(self, step: int, rows: Sequence[Judged]) -> None:
        if step == self._at and self._judged:
            raise KeyboardInterrupt


def trained(folder: Path, make: Callable[[], Training], *stops: SilentWatcher) -> Trained:
    """What ``make`` gives, interrupted by each of ``stops`` and begun again, as by another process."""
    folder.mkdir(exist_ok=True)
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            train_network(make(), folder, stop)
    return train_network(make(), folder, SilentWatcher())


def assert_same(one: Trained, other: Trained) -> None:
    """Weights, losses and what was judged, to the bit."""
    for name, value in one.network.state_dict().items():
        torch.testing.assert_close(value, other.network.state_dict()[name], rtol=0, atol=0)
    assert one.history.losses == other.history.losses
    assert one.history.validation == other.history.validation


def disc_images(path: Path, shape: tuple[int, int], radius: float) -> str:
    """A file of twelve slices of the subjects a, b and c: discs with a gradient. Not to be square."""
    centre = shape[1] // 2 - 1
    y, x = np.mgrid[: shape[0], : shape[1]] - float(centre)
    discs = [(200 + 8 * y) * ((x - k / 2) ** 2 + (y - 3) ** 2 < radius**2 + 6 * k) for k in range(12)]
    np.savez(path, images=np.array(discs), subject=np.array(list("aaaabbbbcccc")))
    return str(path)

"""A training that is stopped at any moment and goes on gives what one gives that was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.denoisers.still_subjects import still_subject
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.denoiser_training import training
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.denoiser_training.training import DncnnTraining
from proxflow.tasks.network_training import loop
from proxflow.tasks.network_training.watcher import SilentWatcher
from tests.tasks.trainings import Stopper, assert_same, trained

CONFIG = DenoiserTraining(kind="magnitude", steps=7, sizes=(24,), side=16, batch=2, precision="float32")


def subject(name: str, radius: float) -> Subject:
    y, x = np.mgrid[:24, :24] - 12.0
    made = still_subject(
        name, [(x**2 + (y - k) ** 2 < radius**2).astype(np.float32) for k in range(2)], (24,)
    )
    assert made is not None
    return made


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH", 3)


def made() -> DncnnTraining:
    images = TrainingImages((subject("a", 6), subject("b", 8)), (subject("c", 7),), "digest")
    return DncnnTraining(images, CONFIG, judge_every=4)


def test_stopped_at_any_step_it_gives_the_same_weights_and_history(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", made)
    assert [step for step, _ in whole.history.losses] == [3, 6, 7]
    assert [step for step, _ in whole.history.validation] == [4, 7]
    stops = [Stopper(at, judged=judged) for at, judged in ((1, False), (3, False), (4, False), (4, True))]
    assert_same(whole, trained(tmp_path / "often", made, *stops, Stopper(7, judged=False)))


def test_stopped_within_a_gradient_it_keeps_the_last_whole_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, find, calls = trained(tmp_path / "whole", made), training.find_gradient, []

    def interrupted(trainee: Trainee, *arguments: object, **named: object) -> float:
        loss = find(trainee, *arguments, **named)  # type: ignore[arg-type]
        calls.append(trainee.step)
        if calls == [0, 1, 2, 3, 4, 5]:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(training, "find_gradient", interrupted)
    assert_same(whole, trained(tmp_path / "stopped", made, SilentWatcher()))
    assert calls == [0, 1, 2, 3, 4, 5, 5, 6]


def test_a_failure_keeps_no_weights_that_may_be_half_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trainee: Trainee) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(loop, "follow_gradient", broken)
    with pytest.raises(RuntimeError):
        trained(tmp_path / "broken", made)
    assert not (tmp_path / "broken" / loop.CHECKPOINT).exists()

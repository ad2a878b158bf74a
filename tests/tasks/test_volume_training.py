"""Networks for volumes: stopped at any moment, a training gives the same weights and running statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proxflow.configs.volume_training import VolumeTraining
from proxflow.tasks.network_training import loop
from proxflow.tasks.network_training.training import Training
from proxflow.tasks.volume_training import deep2s, volume_denoiser
from proxflow.tasks.volume_training.deep2s import Deep2sTraining
from proxflow.tasks.volume_training.volume_denoiser import VolumeDenoiserTraining
from tests.tasks.trainings import Stopper, assert_same, trained

SHAPE = (12, 8, 9)
QUICK = VolumeTraining(network="unet3d", steps=6, batch=2, side=12, whole=0.4, frozen=0.2, shape=SHAPE)
QUICK_DEEP2S = VolumeTraining(network="deep2s", steps=6, batch=2, frequencies=(2, 3), frozen=0.2, shape=SHAPE)


@pytest.fixture(autouse=True)
def little_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH", 3)
    monkeypatch.setattr(volume_denoiser, "N_JUDGED", 2)
    monkeypatch.setattr(volume_denoiser, "N_LEVELS", 2)
    monkeypatch.setattr(volume_denoiser, "N_REPORTED", 2)
    monkeypatch.setattr(volume_denoiser, "N_REPORTED_LEVELS", 2)
    monkeypatch.setattr(deep2s, "N_JUDGED", 1)
    monkeypatch.setattr(deep2s, "N_REPORTED", 1)
    for training in (VolumeDenoiserTraining, Deep2sTraining):
        monkeypatch.setattr(training, "judge_every", 4)


@pytest.mark.parametrize(
    "make", [lambda: VolumeDenoiserTraining(QUICK), lambda: Deep2sTraining(QUICK_DEEP2S)]
)
def test_stopped_at_any_step_it_gives_the_same_weights_and_statistics(
    make: Callable[[], Training], tmp_path: Path
) -> None:
    whole = trained(tmp_path / "whole", make)
    assert int(whole.network.state_dict()["encode1.1.num_batches_tracked"]) == 5
    assert [step for step, _ in whole.history.validation] == [4, 6]
    stops = (Stopper(1), Stopper(4), Stopper(4, judged=True), Stopper(6))
    assert_same(whole, trained(tmp_path / "often", make, *stops))


def test_stopped_within_a_gradient_it_keeps_the_statistics_of_the_last_whole_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tmp_path / "whole", lambda: VolumeDenoiserTraining(QUICK))
    find, steps = volume_denoiser.find_volume_gradient, []

    def interrupted(trainee: volume_denoiser.Trainee, *arguments: object, **named: object) -> float:
        loss = find(trainee, *arguments, **named)  # type: ignore[arg-type]
        steps.append(trainee.step)
        if steps == [0, 1, 2, 3]:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(volume_denoiser, "find_volume_gradient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "stopped", lambda: VolumeDenoiserTraining(QUICK))
    assert_same(whole, trained(tmp_path / "stopped", lambda: VolumeDenoiserTraining(QUICK)))
    assert steps == [0, 1, 2, 3, 3, 4, 5]

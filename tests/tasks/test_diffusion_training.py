"""Diffusion priors: stopped at any moment, a training gives the same average of weights."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.tasks.diffusion_training import first_network
from proxflow.tasks.diffusion_training.first_network import network_settings, prior_trainee
from proxflow.tasks.diffusion_training.load import load_prior_images
from proxflow.tasks.diffusion_training.training import PriorTraining
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training import loop
from tests.tasks.trainings import Stopper, assert_same, disc_images, trained

SMALLER = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,))
QUICK = DiffusionTraining(kind="mri", steps=6, side=16, batch=2, precision="float32", validate_on=("b",))


@pytest.fixture(autouse=True)
def smaller_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_network, "SMALL", SMALLER)
    monkeypatch.setattr(loop, "STRETCH", 3)
    monkeypatch.setattr(PriorTraining, "judge_every", 4)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return disc_images(tmp_path / "images.npz", (26, 20), 6.3)


def made(source: str, config: DiffusionTraining) -> PriorTraining:
    return PriorTraining(load_prior_images([source], config), config)


def test_stopped_at_any_step_it_gives_the_same_average_and_history(source: str, tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", lambda: made(source, QUICK))
    stops = (Stopper(1), Stopper(4), Stopper(4, judged=True), Stopper(6))
    often = trained(tmp_path / "often", lambda: made(source, QUICK), *stops)
    assert_same(whole, often)
    assert [step for step, _ in whole.history.losses] == [3, 6]
    assert [step for step, _ in whole.history.validation] == [4, 6]
    kept = load_file(tmp_path / "often" / loop.CHECKPOINT)
    averages = [name.partition("/")[2] for name in kept if name.startswith("average/")]
    assert sorted(averages) == sorted(whole.network.state_dict())
    for name in averages:
        assert torch.equal(kept[f"average/{name}"], whole.network.state_dict()[name])
    assert not torch.equal(kept["average/out.2.weight"], kept["network/out.2.weight"])


def test_what_is_judged_is_the_average(source: str, tmp_path: Path) -> None:
    late = QUICK.model_copy(update={"steps": 30, "learning_rate": 5e-3, "batch": 4, "average": 0.9})
    done = trained(tmp_path / "a", lambda: made(source, late))
    training = made(source, late)
    assert done.history.validation[-1][1] == training.judge(done.network)
    losses = [loss for _, loss in done.history.losses]
    assert losses[-1] < 0.8 * losses[0]
    assert done.history.validation[-1][1][-1].mse < 0.7  # at t = 800; a network that knows nothing has 1


@pytest.mark.parametrize(("kind", "n"), [("ct", 1), ("mri", 2)])
def test_the_usual_network_fits_16_mib(kind: str, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    settings = network_settings(DiffusionTraining(kind=kind, side=96))
    assert asdict(settings) == {
        "image_size": 96,
        "in_channels": n,
        "out_channels": n,
        "width": 32,
        "multipliers": (1, 2, 2, 4),
        "n_res_blocks": 1,
        "attention_factors": (8,),
        "head_channels": 64,
        "predicts": "velocity",
    }
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in DiffusionUnet(settings).parameters())
    assert 3.6e6 < count < 3.8e6 and 4 * count < 16 * 2**20


def test_images_are_of_their_kind(source: str) -> None:
    training = made(source, QUICK)
    assert training.judged.shape == (4, 16, 16) and training.judged.is_complex()
    assert 0.79 < float(training.judged.abs().max()) <= 1
    again = made(source, QUICK)
    assert torch.equal(training.judged, again.judged) and training.wiener == again.wiener
    assert all(0 < error < 1 for error in training.wiener)
    ct = QUICK.model_copy(update={"kind": "ct"})
    attenuation = made(source, ct)
    assert not attenuation.judged.is_complex() and float(attenuation.judged.min()) >= 0
    water = float(attenuation.judged.median())  # 0 HU around the discs, of 200 HU and more
    assert 0.5 < water < 1 and attenuation.digest != training.digest


def test_it_begins_with_weights_of_the_same_network_alone(source: str, tmp_path: Path) -> None:
    settings = replace(SMALLER, image_size=32, predicts="velocity")
    given = DiffusionUnet(settings)
    path = tmp_path / "a.safetensors"
    write_diffusion_weights(path, DiffusionWeights(given.state_dict(), asdict(settings)))
    begun = prior_trainee(QUICK.model_copy(update={"start": str(path)}), "cpu")
    for name, value in given.state_dict().items():
        assert torch.equal(value, begun.network.state_dict()[name])
    assert all(parameter.requires_grad for parameter in begun.network.parameters())
    for changed, words in (
        ({"kind": "ct"}, "start must be weights of a network with in_channels: 1, got 2"),
        ({"channels": 64}, "start must be weights of a network with width: 64, got 32"),
        ({"predicts": "noise"}, "start must be weights of a network with predicts: noise, got velocity"),
        ({"start": str(tmp_path / "none.pt")}, "start must be an existing file of weights"),
    ):
        with pytest.raises(RequestError, match=words):
            prior_trainee(QUICK.model_copy(update={"start": str(path), **changed}), "cpu")


def test_too_few_slices_are_refused(source: str) -> None:
    with pytest.raises(RequestError, match="images must show at least 8 slices to train on, got 4"):
        load_prior_images([source], QUICK.model_copy(update={"validate_on": ("a", "b")}))


def test_a_picture_shows_samples_above_images(source: str, tmp_path: Path) -> None:
    from proxflow.tasks.diffusion_training.pictures import image_rows

    samples, images = torch.ones(2, 8, 8, dtype=torch.complex64) * 1j, torch.zeros(3, 8, 8)
    shown = image_rows(samples, images)
    assert shown.shape == (40, 60) and shown.dtype == np.uint8
    assert shown[:16, :16].min() == 255 and shown[20:36, :16].max() == 0 and math.isclose(shown[18, 3], 128)

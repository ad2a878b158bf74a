"""Networks against artefacts: stopped at any moment, a training gives the same average of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from proxflow.configs.reconresnet_training import PATTERNS, ReconResNetTraining
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.weights.reconresnet_weights import MOST_BYTES, read_reconresnet_weights
from proxflow.models.artefacts.training import Made
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.unet2d import UNet2d, UNet2dSettings
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.tasks.artefact_networks import artefact_network
from proxflow.tasks.denoiser_training.load import load_enough_images
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training import loop
from proxflow.tasks.reconresnet_training import training as training_module
from proxflow.tasks.reconresnet_training.first_network import artefact_trainee, network_settings
from proxflow.tasks.reconresnet_training.patterns import pattern_of
from proxflow.tasks.reconresnet_training.pictures import made_rows
from proxflow.tasks.reconresnet_training.training import JUDGED_SEED, ArtefactTraining
from tests.tasks.trainings import Stopper, assert_same, disc_images, trained

QUICK = ReconResNetTraining(
    architecture="reconresnet",
    patterns=("lines30", "spokes60"),
    steps=6,
    side=32,
    width=4,
    blocks=1,
    batch=2,
    precision="float32",
    validate_on=("b",),
)


@pytest.fixture(autouse=True)
def judged_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH", 3)
    monkeypatch.setattr(ArtefactTraining, "judge_every", 4)
    monkeypatch.setattr(training_module, "MOST_JUDGED", 2)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return disc_images(tmp_path / "images.npz", (36, 30), 9.5)


def training_of(source: str, config: ReconResNetTraining) -> ArtefactTraining:
    return ArtefactTraining(load_enough_images([source], config), config)


def test_stopped_at_any_step_it_gives_the_same_average_and_history(source: str, tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", lambda: training_of(source, QUICK))
    stops = (Stopper(1), Stopper(4), Stopper(4, judged=True), Stopper(6))
    often = trained(tmp_path / "often", lambda: training_of(source, QUICK), *stops)
    assert_same(whole, often)
    assert [step for step, _ in whole.history.validation] == [4, 6]
    rows = whole.history.validation[-1][1]
    assert [row.level for row in rows] == ["lines30", "spokes60"]
    assert all(row.ssim_before is not None and row.ssim_after is not None for row in rows)


def test_it_learns(source: str, tmp_path: Path) -> None:
    more = {"steps": 60, "learning_rate": 3e-3, "average": 0.5, "dropout": 0.0, "skips": 1}
    done = trained(tmp_path / "a", lambda: training_of(source, QUICK.model_copy(update=more)))
    losses = [loss for _, loss in done.history.losses]
    assert losses[-1] < 0.85 * losses[0]


@pytest.mark.parametrize("storage", ["float32", "float16"])
@pytest.mark.parametrize(("architecture", "kind"), [("reconresnet", ReconResNet), ("unet", UNet2d)])
def test_what_it_leaves(architecture: str, kind: type, storage: str, source: str, tmp_path: Path) -> None:
    changed = {"architecture": architecture, "storage": storage, "steps": 1, "licence": "CC0"}
    config = QUICK.model_copy(update=changed)
    done = trained(tmp_path / "a", lambda: training_of(source, config))
    path = training_of(source, config).write(tmp_path / "a", done)
    network, weights = artefact_network(path)
    assert isinstance(network, kind) and network.settings == network_settings(config)
    assert weights.training["patterns"] == ["lines30", "spokes60"] and weights.training["licence"] == "CC0"
    assert weights.training["subjects"] == ["a", "c"] and weights.training["side"] == 32
    exact = all(
        torch.equal(value, done.network.state_dict()[name]) for name, value in weights.tensors.items()
    )
    error = weights.training["half_error"]
    text = (tmp_path / "a" / "card.md").read_text()
    assert "Licence: CC0." in text and "| spokes60 |" in text and "Kept apart" in text
    if storage == "float32":
        assert exact and error == 0.0 and "Stored in float32" in text
    else:
        assert not exact and 0 < error < 1e-2 and f"moves images by {error:.1e}" in text
    assert read_reconresnet_weights(path).architecture == architecture
    assert "1 - SSIM by step" in (tmp_path / "a" / "loss.svg").read_text()
    assert (tmp_path / "a" / "examples.png").read_bytes().startswith(b"\x89PNG")


def parameters(config: ReconResNetTraining) -> int:
    settings = network_settings(config)
    with torch.device("meta"):
        network = UNet2d(settings) if isinstance(settings, UNet2dSettings) else ReconResNet(settings)
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_usual_networks_fit_16_mib_and_have_about_as_many_parameters() -> None:
    usual = {name: ReconResNetTraining(architecture=name) for name in ("reconresnet", "unet")}
    counts = {name: parameters(config) for name, config in usual.items()}
    assert counts["reconresnet"] == 1_102_764 and 4 * max(counts.values()) < 16 << 20
    assert counts["unet"] == pytest.approx(counts["reconresnet"], rel=0.1)
    assert network_settings(usual["unet"]) == UNet2dSettings()


def test_the_largest_networks_that_are_trained_can_be_read() -> None:
    largest: dict[str, dict[str, Any]] = {"reconresnet": {"width": 256, "blocks": 64}, "unet": {"width": 256}}
    for architecture, sizes in largest.items():
        config = ReconResNetTraining(architecture=architecture, **sizes)
        assert 4 * parameters(config) + (1 << 20) < MOST_BYTES  # a mebibyte for names and shapes
        for name, value in sizes.items():
            with pytest.raises(ValidationError, match="less than or equal to"):
                ReconResNetTraining(architecture=architecture, **sizes | {name: value + 1})


def test_a_seed_of_judged_draws_cannot_be_asked_for() -> None:
    assert ReconResNetTraining(architecture="unet", seed=JUDGED_SEED - 1).seed == JUDGED_SEED - 1
    with pytest.raises(ValidationError, match="less than"):
        ReconResNetTraining(architecture="unet", seed=JUDGED_SEED)


@pytest.mark.parametrize("side", [192, 256])
def test_patterns_that_are_drawn_differ_from_seed_to_seed(side: int) -> None:
    for name in PATTERNS:
        if name.startswith(("lines", "points")):
            drawn = (pattern_of(name, side)(seed) for seed in range(10))
            masks = (operator.mask for operator in drawn if isinstance(operator, CartesianSense))
            first = next(masks)
            assert any(not torch.equal(first, other) for other in masks), name


def test_every_pattern_measures_as_it_is_called() -> None:
    for name in PATTERNS:
        operator = pattern_of(name, 64)(5)
        if name.startswith("spokes"):
            assert isinstance(operator, NonCartesianSense)
            assert len(operator.trajectory) == 128 * round(int(name[6:]) / 4)
            continue
        assert isinstance(operator, CartesianSense)
        share = 1 / acceleration(operator.mask.numpy())
        if name == "step4":
            assert 0.25 < share < 0.4
        else:
            most = int(name[-2:]) / 100
            assert 0.3 * most < share <= max(most, 12 / 64 if name.startswith("lines") else 0)
            again, other = pattern_of(name, 64)(5), pattern_of(name, 64)(6)
            assert isinstance(again, CartesianSense) and isinstance(other, CartesianSense)
            assert torch.equal(again.mask, operator.mask)
            if most > 0.2:
                assert not torch.equal(other.mask, operator.mask)


def test_subjects_judged_are_kept_apart_and_always_the_same(source: str) -> None:
    first, again = training_of(source, QUICK), training_of(source, QUICK)
    assert [subject.name for subject in first.images.kept_apart] == ["b"]
    for name, cases in first.cases.items():
        for one, other in zip(cases, again.cases[name], strict=True):
            assert torch.equal(one.truth, other.truth)
    network = artefact_trainee(QUICK, "cpu").network
    network.train()
    assert first.judge(network) == again.judge(network)
    assert network.training


@pytest.mark.parametrize("masks", ["fixed", "drawn"])
def test_fixed_masks_are_judged_as_they_are_trained_on(
    masks: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = training_of(source, QUICK.model_copy(update={"masks": masks, "patterns": ("points30",)}))
    asked: list[int] = []
    pattern = training.patterns["points30"]

    def noted(seed: int) -> LinearOperator:
        asked.append(seed)
        return pattern(seed)

    monkeypatch.setitem(training.patterns, "points30", noted)
    training.find_gradient(artefact_trainee(training.config, "cpu"))
    trained_on = pattern(asked[0])
    assert isinstance(trained_on, CartesianSense) and len(asked) == QUICK.batch
    judged = [case.operator for case in training.cases["points30"]]
    same = [isinstance(one, CartesianSense) and torch.equal(one.mask, trained_on.mask) for one in judged]
    assert len(same) == 2 and all(same) == (masks == "fixed")


def test_it_begins_with_weights_of_the_same_network_alone(source: str, tmp_path: Path) -> None:
    one = QUICK.model_copy(update={"steps": 1})
    done = trained(tmp_path / "a", lambda: training_of(source, one))
    path = str(training_of(source, one).write(tmp_path / "a", done))
    begun = artefact_trainee(QUICK.model_copy(update={"start": path, "dropout": 0.0}), "cpu")
    for name, value in done.network.state_dict().items():
        assert torch.equal(value, begun.network.state_dict()[name])
    assert all(parameter.requires_grad for parameter in begun.network.parameters())
    for changed, words in (
        ({"width": 5}, "start must be weights of a network with width: 5, got 4"),
        ({"skips": 1}, "start must be weights of a network with skips: 1, got 0"),
        ({"architecture": "unet"}, "start must be weights of a U-Net, got those of a ReconResNet"),
        ({"start": "none.safetensors"}, "start must be an existing file of weights"),
    ):
        with pytest.raises(RequestError, match=words):
            artefact_trainee(QUICK.model_copy(update={"start": path, **changed}), "cpu")


def test_a_picture_has_a_row_for_each_pattern() -> None:
    white, black = torch.ones(8, 6), torch.zeros(8, 6)
    shown = made_rows([Made(white, black, black, 2 * white), Made(black, black, black, black)])
    assert shown.shape == (24, 40) and shown.dtype == np.uint8
    assert shown[:8, :6].min() == 255 == shown[:8, 30:36].min() and shown[12:20, :6].max() == 0

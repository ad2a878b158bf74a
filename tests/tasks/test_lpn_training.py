"""Learned proximal networks: stopped at any moment, a training gives the same weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from proxflow.configs.lpn_training import LpnTraining
from proxflow.models.diffusion.noisy_images import channels_of
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.networks.icnn import Icnn
from proxflow.tasks.errors import RequestError
from proxflow.tasks.lpn_networks import open_lpn
from proxflow.tasks.lpn_training.first_network import network_settings
from proxflow.tasks.lpn_training.load import load_lpn_images
from proxflow.tasks.lpn_training.training import LpnImageTraining
from proxflow.tasks.lpn_training.whole_slices import WholeSlices
from proxflow.tasks.network_training import loop
from tests.tasks.trainings import Stopper, assert_same, disc_images, trained

QUICK = LpnTraining(kind="mri", steps=8, side=16, hidden=4, batch=2, validate_on=("b",), sigma=0.1)

CONVEX = [f"lin.{k}.weight" for k in range(1, 8)]


@pytest.fixture(autouse=True)
def shorter_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH", 3)
    monkeypatch.setattr(LpnImageTraining, "judge_every", 4)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return disc_images(tmp_path / "images.npz", (26, 20), 6.3)


def made(source: str, config: LpnTraining) -> LpnImageTraining:
    return LpnImageTraining(load_lpn_images([source], config), config)


def test_stopped_in_any_stage_it_gives_the_same_weights_and_history(source: str, tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", lambda: made(source, QUICK))
    stops = (Stopper(1), Stopper(4), Stopper(4, judged=True), Stopper(6), Stopper(8))
    often = trained(tmp_path / "often", lambda: made(source, QUICK), *stops)
    assert_same(whole, often)
    assert [step for step, _ in whole.history.validation] == [4, 8]
    (row,) = whole.history.validation[-1][1]
    assert row.loss is not None and 0 < row.loss <= 1 and row.level == "0.1"
    assert isinstance(whole.network, Icnn)
    convex = [value for name, value in whole.network.state_dict().items() if name in CONVEX]
    assert len(convex) == 7 and all(bool((value >= 0).all()) for value in convex)


def test_it_learns_to_denoise_and_leaves_all_that_a_method_asks_for(source: str, tmp_path: Path) -> None:
    config = QUICK.model_copy(
        update={"kind": "ct", "steps": 160, "hidden": 6, "batch": 4, "learning_rate": 1e-2, "beta": 20.0}
    )
    training = made(source, config)
    first = training.judge(training.begin("cpu").network)[0]
    done = trained(tmp_path / "a", lambda: made(source, config))
    (row,) = done.history.validation[-1][1]
    assert row.loss is not None and first.loss is not None
    assert row.after > first.after + 3 and row.loss < first.loss
    weights = training.write(tmp_path / "a", done)
    network, told = open_lpn(str(weights))
    assert told is not None and asdict(network.settings) == asdict(network_settings(config))
    assert (told.low, told.high, told.sigma, told.gamma) == (-0.25, 1.25, 0.1, pytest.approx(0.08 * 16))
    assert (
        "attenuation" in told.unit and told.data == "8 slices of a, c" and "to be filled in" in told.licence
    )
    document = json.loads((tmp_path / "a" / "training.json").read_text())
    assert document["kept_apart"] == {"b": 4} and document["steps_per_second"] > 0
    assert [stage["n_steps"] for stage in document["stages"]] == [80, 20, 20, 20, 20]
    card = (tmp_path / "a" / "card.md").read_text()
    assert f"| crops | {row.before:.2f} | {row.after:.2f} |" in card
    assert f"| whole slices | {document['whole_slices']['before']:.2f} |" in card
    assert "\n80 steps of mean absolute error (rate 0.01),\nthen 80 steps of proximal matching with" in card
    assert "gamma 10.24, 5.12, 2.56, 1.28 in turn (rate 0.0001, falling to 0 in the last 25% of all)" in card
    assert "half of them stretched and shifted to reach 0.25 beyond, values from -0.25 to 1.25, cl" in card
    assert "steps a second" in card
    assert "then proximal matching by step" in (tmp_path / "a" / "loss.svg").read_text()
    assert (tmp_path / "a" / "examples.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("changes", "recipe", "loss", "last"),
    [
        (
            {"pretraining": 1.0, "decay": 0.5},
            "3 steps of mean absolute error (rate 0.001, falling to 0 in the last 50% of all)",
            "mean absolute error",
            0.0,
        ),
        (
            {"pretraining": 0.0, "gamma": 0.1, "decay": 0.0},
            "3 steps of proximal matching with gamma 9.051, 4.525, 2.263 in turn (rate 0.0001)",
            "proximal matching",
            2.263,
        ),
        (
            {"decay": 0.6, "beyond": 0.0},
            "2 steps of mean absolute error (rate 0.001),\nthen 1 step of proximal matching with gamma 1.81 "
            "in turn (rate 0.0001, falling to 0 in the last 33% of all)",
            "mean absolute error, then proximal matching",
            1.81,
        ),
    ],
)
def test_card_and_plot_tell_of_the_stages_that_there_were(
    changes: dict[str, float], recipe: str, loss: str, last: float, source: str, tmp_path: Path
) -> None:
    config = QUICK.model_copy(update={"steps": 3, **changes})
    done = trained(tmp_path / "a", lambda: made(source, config))
    weights = made(source, config).write(tmp_path / "a", done)
    card = (tmp_path / "a" / "card.md").read_text()
    assert f"\n{recipe}.\n" in card
    assert ("With a gamma of" in card) == (last > 0)
    reach = 1 + config.beyond
    assert ("stretched" in card) == (reach > 1) and f"values from -{reach:g} to {reach:g}, clipped" in card
    assert f">{loss} by step<" in (tmp_path / "a" / "loss.svg").read_text()
    told = open_lpn(str(weights)).trained
    assert told is not None and told.gamma == pytest.approx(last, rel=1e-3)
    assert (told.low, told.high) == (-reach, reach)


def test_what_it_is_judged_by_is_the_same_with_and_without_values_beyond(source: str) -> None:
    narrow, wide = (QUICK.model_copy(update={"kind": "ct", "beyond": beyond}) for beyond in (0.0, 0.25))
    one, other = (made(source, config) for config in (narrow, wide))
    assert torch.equal(one.judged, other.judged) and float(other.judged.max()) <= 1
    most = [
        max(float(sizes[0].max()) for subject in training.images.trained for sizes in subject.slices)
        for training in (one, other)
    ]
    assert most[0] == 1 < most[1] <= 1.25  # bright pixels of what is trained on are kept


def test_whole_slices_are_denoised_in_exact_patches(source: str) -> None:
    config = QUICK.model_copy(update={"sizes": (24, 30)})
    images, network = load_lpn_images([source], config), Icnn(network_settings(config))
    whole = WholeSlices(network, images.kept_apart, config)
    assert whole.clean.shape == (4, 2, 24, 24)  # the smaller size, in a square
    assert torch.equal(whole.denoised, NetworkProx(network, patching="exact")(whole.noisy))
    clean, noisy, denoised = whole.pictures()
    assert (
        clean.is_complex() and torch.equal(channels_of(noisy), whole.noisy) and denoised.shape == (4, 24, 24)
    )
    again = WholeSlices(network, images.kept_apart, config)
    assert torch.equal(whole.noisy, again.noisy) and whole.judge() == again.judge()


@pytest.mark.parametrize(
    ("numbers", "channels", "complex_values"),
    [
        ({"kind": "ct"}, 1, False),
        ({"kind": "mri"}, 2, True),
        ({"kind": "mri", "complex_as": "magnitude"}, 1, False),
    ],
)
def test_the_usual_network_fits_16_mib_whatever_the_images(
    numbers: dict[str, str], channels: int, complex_values: bool, source: str
) -> None:
    usual = LpnTraining.model_validate(numbers)
    assert usual.channels == channels and usual.whole_gamma == pytest.approx(0.08 * 64 * channels**0.5)
    for hidden in (usual.hidden, 256):
        with torch.device("meta"):
            network = Icnn(network_settings(usual.model_copy(update={"hidden": hidden})))
        assert 4 * sum(parameter.numel() for parameter in network.parameters()) < 16 * 2**20
    config = LpnTraining.model_validate({**numbers, "side": 16, "validate_on": ["b"]})
    judged = made(source, config).judged
    assert judged.shape == (4, channels, 16, 16) and float(judged.abs().max()) <= 1
    assert bool((judged < 0).any()) == complex_values


def test_it_begins_with_weights_of_the_same_network_alone(source: str, tmp_path: Path) -> None:
    short = QUICK.model_copy(update={"steps": 1})
    done = trained(tmp_path / "a", lambda: made(source, short))
    weights = made(source, short).write(tmp_path / "a", done)
    start = {"start": str(weights)}
    begun = made(source, QUICK.model_copy(update=start)).begin("cpu").network
    for name, value in done.network.state_dict().items():
        assert torch.equal(value, begun.state_dict()[name])
    assert all(parameter.requires_grad for parameter in begun.parameters())
    for changed, words in (
        ({"kind": "ct"}, "start must be weights of a network with channels: 1, got 2"),
        ({"hidden": 5}, "start must be weights of a network with hidden: 5, got 4"),
        ({"start": "none.pt"}, "start must be an existing file of weights"),
    ):
        with pytest.raises(RequestError, match=words):
            made(source, QUICK.model_copy(update={**start, **changed})).begin("cpu")

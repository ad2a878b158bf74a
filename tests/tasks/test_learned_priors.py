"""Learned proximal networks as priors of methods: what opens, what a recipe may say, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from proxflow.configs.loading import anchor_paths
from proxflow.configs.methods_lpn import Lpn
from proxflow.data.weights.lpn_weights import read_lpn_weights, write_lpn_weights
from proxflow.models.learned_prox.prior import TRAINED
from proxflow.tasks.denoisers import FILE, denoiser_files, method_part
from proxflow.tasks.errors import RequestError
from proxflow.tasks.learned_priors import activation_bytes, open_learned_prior
from proxflow.tasks.method_arguments import method_arguments


def test_a_file_tells_the_range_that_the_network_was_trained_for(lpn_file: Any, tmp_path: Path) -> None:
    read = read_lpn_weights(lpn_file(2))
    assert read.trained is not None
    told = replace(read.trained, low=-1.0, sigma=0.04)
    write_lpn_weights(tmp_path / "parts.safetensors", replace(read, trained=told))
    opened = open_learned_prior(str(tmp_path / "parts.safetensors"), memory_bytes=1 << 20)
    assert opened.within == pytest.approx((-1.1, 1.1)) and opened.memory_bytes == 1 << 20
    tensors = opened.network.state_dict()
    torch.save(tensors, tmp_path / "theirs.pt")
    others = open_learned_prior(str(tmp_path / "theirs.pt"))
    assert others.within == TRAINED and others.memory_bytes == 1 << 30


def test_weights_that_are_negative_are_refused_in_one_sentence(lpn_file: Any) -> None:
    def negative(weights: dict[str, torch.Tensor]) -> None:
        weights["lin.4.weight"][0, 1] = -1.0

    with pytest.raises(RequestError, match=r"^lpn-1-changed.*lin.4.weight must be at least 0, got -1$"):
        open_learned_prior(str(lpn_file(1, negative)))


def test_bytes_of_the_file_and_not_its_place_are_part_of_a_stage(lpn_file: Any) -> None:
    path = lpn_file(2)
    config = Lpn(method="lpn", prior=str(path))
    assert denoiser_files(config) == {FILE: str(path)}
    part = method_part(config)
    assert part["prior"] == "given.safetensors"
    assert method_arguments(Lpn.model_validate(part), file=path)["prior"].network.settings.channels == 2
    with pytest.raises(RequestError, match=r"^prior must be a name of docs/methods/lpn.md or an"):
        denoiser_files(Lpn(method="lpn", prior="gone.pth"))


def test_relative_files_count_from_the_recipe(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "reconstruct": {"method": "lpn", "prior": "w/a.pth"},
        "compare": [{"method": "lpn", "prior": "lpn-ct"}],
    }
    anchor_paths(values, tmp_path)
    assert values["reconstruct"]["prior"] == str(tmp_path / "w/a.pth")
    assert values["compare"][0]["prior"] == "lpn-ct"


def test_memory_of_patches_is_that_of_those_at_once(lpn_file: Any) -> None:
    """Patches of 16 pixels every 8: 24 x 40 have (24 + 8) / 8 times (40 + 8) / 8 of them."""
    config = Lpn(method="lpn", prior=str(lpn_file(1)))
    each = 6 * 4 * 16**2 * 4  # arrays, hidden channels, pixels, bytes
    assert activation_bytes(config, (24, 40)) == 24 * each
    assert activation_bytes(config, (3, 24, 40)) == 72 * each
    assert activation_bytes(config, (3, 24, 40), kept=10 * each) == 10 * each
    assert activation_bytes(config, (24, 40), precision="double") == 24 * 16 * 4 * 16**2 * 8
    strided = config.model_copy(update={"stride": 5})
    with pytest.raises(RequestError, match=r"^reconstruct.lpn: stride must divide the side 16"):
        activation_bytes(strided, (24, 40))


@pytest.mark.parametrize("name", ["", "tv", "lpn", "lpn-ct:bfloat16", "dncnn-mri", "a.npz", ".pt"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError):
        Lpn(method="lpn", prior=name)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"n_iter": 0}, "greater than or equal to 1"),
        ({"s": 0.0}, "greater than 0"),
        ({"rho": 0.0}, "greater than 0"),
        ({"eta": 0.5}, "eta must be null with solver admm, which has rho, got 0.5"),
        ({"solver": "pgd", "rho": 2.0}, "rho must be null with solver pgd, which has eta, got 2"),
        ({"setting": "published", "warm_up": 3}, "warm_up must be 0 with setting published, got 3"),
        ({"box": True}, "box must be false with setting guaranteed, got true"),
        ({"patches": "averaged"}, "patches must be exact with setting guaranteed, got averaged"),
        ({"setting": "safe"}, "'guaranteed' or 'published'"),
        ({"n_newton": -1}, "greater than or equal to 0"),
    ],
)
def test_numbers_that_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Lpn.model_validate({"method": "lpn"} | changed)


def test_published_takes_what_guaranteed_refuses() -> None:
    Lpn.model_validate({"method": "lpn", "setting": "published", "box": True, "patches": "averaged"})

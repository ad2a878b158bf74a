"""Learned proximal networks by name: what is opened, and one sentence for what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from proxflow.data.weights.lpn_weights import LpnTrained, LpnWeights, write_lpn_weights
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.tasks import denoisers
from proxflow.tasks.errors import RequestError
from proxflow.tasks.lpn_networks import open_lpn

TINY = IcnnSettings(side=16, hidden=3)
TRAINED = LpnTrained("attenuation", 0.0, 1.0, 0.05, 1.28, "two slices", "none")


def written(path: Path, change: Callable[[dict[str, torch.Tensor]], object] = dict) -> Path:
    torch.manual_seed(0)
    tensors = Icnn(TINY).state_dict()
    change(tensors)
    write_lpn_weights(path, LpnWeights(tensors, asdict(TINY), TRAINED))
    return path


def test_a_file_gives_its_network_and_what_it_was_trained_on(tmp_path: Path, rng: torch.Generator) -> None:
    path = written(tmp_path / "a.safetensors")
    network, trained = open_lpn(str(path))
    torch.manual_seed(0)
    images = torch.rand(2, 1, 16, 16, generator=rng)
    assert network.settings == TINY and trained == TRAINED and not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network(images), Icnn(TINY)(images))
    torch.save(network.state_dict(), tmp_path / "a.pt")
    theirs = open_lpn(str(tmp_path / "a.pt"))
    assert theirs.network.settings == replace(TINY, side=16) and theirs.trained is None


def test_a_shipped_name_is_a_file_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denoisers, "files", lambda package: tmp_path)
    with pytest.raises(
        RequestError, match="prox must be weights that this Proxflow has, got lpn-ct, which it"
    ):
        open_lpn("lpn-ct")
    written(tmp_path / "lpn-ct.safetensors")
    assert open_lpn("lpn-ct").trained == TRAINED


def negative(tensors: dict[str, torch.Tensor]) -> None:
    tensors["lin.2.weight"][0, 0, 0, 0] = -0.5


def test_each_wrong_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for change, words in (
        (negative, "a.safetensors: lin.2.weight must be at least 0, got -0.5"),
        (lambda t: t.pop("lin.3.weight"), "tensors of Icnn, got lin.3.weight missing"),
        (lambda t: t.update({"res.1.bias": torch.ones(7)}), r"res.1.bias must have shape \(3,\), got \(7,\)"),
    ):
        with pytest.raises(RequestError, match=words):
            open_lpn(str(written(path, change)))
    path.write_bytes(b"none")
    with pytest.raises(RequestError, match=r"a\.safetensors must be a complete safetensors file"):
        open_lpn(str(path))
    with pytest.raises(RequestError, match="prox must be lpn-ct, lpn-mri or a file of weights, got tv"):
        open_lpn("tv")
    with pytest.raises(RequestError, match=r"start must be an existing file of weights, got none\.pt"):
        open_lpn("none.pt", what="start")

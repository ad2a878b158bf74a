"""Weights of learned proximal networks: ours and the authors' are read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.lpn_weights import LpnTrained, LpnWeights, read_lpn_weights, write_lpn_weights
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings

TINY = IcnnSettings(channels=2, side=8, hidden=3, beta=7.0, alpha=0.02, signed=True)
TRAINED = LpnTrained("attenuation", -1.0, 1.0, 0.05, 0.9, "two slices", "CC BY 4.0")
USUAL: dict[str, Any] = {"format": "lpn-1", "settings": asdict(TINY), "trained": asdict(TRAINED)}


def drawn() -> dict[str, Tensor]:
    torch.manual_seed(3)
    return Icnn(TINY).state_dict()


def test_weights_are_read_as_written_and_outlive_the_file(tmp_path: Path) -> None:
    path, tensors = tmp_path / "a.safetensors", drawn()
    whole = replace(TRAINED, low=-1, gamma=0)  # whole numbers, where floats are wanted
    write_lpn_weights(path, LpnWeights(tensors, asdict(TINY), whole))
    first = path.read_bytes()
    found = read_lpn_weights(path)
    path.write_bytes(bytes(len(first)))
    assert found.settings is not None and IcnnSettings(**found.settings) == TINY
    assert found.trained == replace(TRAINED, gamma=0.0)
    assert found.tensors.keys() == tensors.keys()
    assert all(torch.equal(value, tensors[name]) for name, value in found.tensors.items())
    write_lpn_weights(path, found)
    assert path.read_bytes() == first


def test_a_state_dict_of_others_tells_no_settings(tmp_path: Path) -> None:
    path, tensors = tmp_path / "a.pt", drawn()
    torch.save({"state_dict": {f"module.{name}": value.double() for name, value in tensors.items()}}, path)
    found = read_lpn_weights(path)
    assert found.settings is None and found.trained is None
    assert all(torch.equal(value, tensors[name]) for name, value in found.tensors.items())
    with pytest.raises(ValueError, match="settings and trained must be given"):
        write_lpn_weights(tmp_path / "b.safetensors", found)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"format": "dncnn-1"}, "format must be lpn-1, got dncnn-1; it is no learned proximal network"),
        ({"settings": None}, "settings must name kind, channels, .* got None amiss"),
        ({"settings": asdict(TINY) | {"depth": 3}}, "settings must name .* got depth amiss"),
        ({"settings": asdict(TINY) | {"side": 8.0}}, "side must be of type int, got 8.0"),
        ({"trained": {"unit": "u"}}, "trained must name unit, low, .* got data amiss"),
        ({"trained": asdict(TRAINED) | {"high": -1.0}}, "high must be above low, both finite, got -1 to -1"),
        ({"trained": asdict(TRAINED) | {"sigma": 0.0}}, "sigma must be positive and finite, got 0"),
        ({"trained": asdict(TRAINED) | {"gamma": -1.0}}, "gamma must be at least 0 and finite, got -1"),
    ],
)
def test_a_wrong_file_is_refused(told: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(drawn(), path, {"proxflow": json.dumps(USUAL | told)})
    with pytest.raises(ScanError, match=rf"a\.safetensors: {words}"):
        read_lpn_weights(path)


def test_missing_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(ScanError, match="prox must be an existing file of weights, got"):
        read_lpn_weights(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ScanError, match=r"a\.safetensors must be a complete safetensors file"):
        read_lpn_weights(path)
    torch.save([1, 2], tmp_path / "a.pt")
    with pytest.raises(
        ScanError, match=r"a\.pt must hold the state dict of a learned proximal network, got list"
    ):
        read_lpn_weights(tmp_path / "a.pt")
    torch.save({"lin.0.weight": torch.tensor([torch.nan])}, tmp_path / "b.pt")
    with pytest.raises(ScanError, match=r"b\.pt: lin\.0\.weight must hold finite numbers"):
        read_lpn_weights(tmp_path / "b.pt")

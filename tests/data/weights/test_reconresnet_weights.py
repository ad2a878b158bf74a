"""Weights of ReconResNet: the released layout and ours are read, and nothing else is."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.reconresnet_weights import (
    ReconResNetWeights,
    read_reconresnet_weights,
    write_reconresnet_weights,
)
from proxflow.data.weights.volume_weights import VolumeWeights, write_volume_weights
from proxflow.data.weights.weights_file import write_tensors
from proxflow.models.networks.reconresnet import ReconResNet, reconresnet_of
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings

TINY = ReconResNetSettings(n_blocks=1, width=4, dropout=0.1, skips=2)


def drawn() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    layout = ReconResNet(TINY).state_dict()
    return {name: 0.3 * torch.randn(value.shape, generator=generator) for name, value in layout.items()}


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "net.", "module.net."])
def test_released_layouts_make_the_same_network(prefix: str, tmp_path: Path, rng: torch.Generator) -> None:
    path, tensors = tmp_path / "model.safetensors", drawn()
    save_file({prefix + name: value for name, value in tensors.items()}, path, {"format": "pt"})
    found = read_reconresnet_weights(path)
    assert found.settings is None
    x = torch.rand(1, 1, 8, 12, generator=rng)
    assert torch.equal(reconresnet_of(found.tensors)(x), reconresnet_of(tensors)(x))


def test_ours_are_read_back_with_their_settings_and_outlive_the_file(tmp_path: Path) -> None:
    path, tensors = tmp_path / "a.safetensors", drawn()
    halves = {name: value.half() for name, value in tensors.items()}
    write_reconresnet_weights(path, ReconResNetWeights(halves, asdict(TINY)))
    first = path.read_bytes()
    found = read_reconresnet_weights(path)
    path.write_bytes(bytes(len(first)))
    assert found.settings is not None and ReconResNetSettings(**found.settings) == TINY
    for name, value in halves.items():
        torch.testing.assert_close(found.tensors[name], value.float(), rtol=0, atol=0)
    write_reconresnet_weights(path, ReconResNetWeights(halves, asdict(TINY)))
    assert path.read_bytes() == first


def test_a_whole_number_for_dropout_is_read_back_as_a_float(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_reconresnet_weights(path, ReconResNetWeights(drawn(), asdict(TINY) | {"dropout": 0}))
    found = read_reconresnet_weights(path).settings
    assert found is not None and type(found["dropout"]) is float
    assert ReconResNetSettings(**found) == replace(TINY, dropout=0.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_blocks": 1}, "settings must name n_blocks, width, .*, got activation amiss"),
        (asdict(TINY) | {"depth": 3}, "settings must name n_blocks, .*, got depth amiss"),
        (asdict(TINY) | {"width": "64"}, "width must be of type int, got '64'"),
        (asdict(TINY) | {"skips": True}, "skips must be of type int, got True"),
        (asdict(TINY) | {"dropout": False}, "dropout must be of type float, got False"),
    ],
)
def test_bad_settings_are_neither_written_nor_read(
    settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match=words):
        write_reconresnet_weights(path, ReconResNetWeights(drawn(), settings))
    assert not path.exists()
    write_tensors(path, drawn(), {"format": "reconresnet-1", "settings": settings})
    with pytest.raises(ScanError, match=rf"a\.safetensors: {words}"):
        read_reconresnet_weights(path)


def test_a_file_of_ours_must_tell_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, drawn(), {"format": "reconresnet-1"})
    with pytest.raises(ScanError, match=r"settings must name n_blocks, .*, got None amiss"):
        read_reconresnet_weights(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(ScanError, match="prior must be an existing file of weights"):
        read_reconresnet_weights(path, "prior")
    path.write_bytes(b"no weights")
    with pytest.raises(ScanError, match=r"a.safetensors must be a complete safetensors file"):
        read_reconresnet_weights(path)
    write_volume_weights(path, VolumeWeights(drawn(), "unet3d", (4, 4, 4)))
    with pytest.raises(ScanError, match="format must be reconresnet-1, got unet3d-1; it is no ReconResNet"):
        read_reconresnet_weights(path)
    save_file({**drawn(), "intialConv.1.bias": torch.full((4,), torch.nan)}, path)
    with pytest.raises(ScanError, match=r"intialConv.1.bias must hold finite numbers"):
        read_reconresnet_weights(path)
    save_file({"steps": torch.ones(3, dtype=torch.int64)}, path)
    with pytest.raises(ScanError, match=r"steps must be a plain array of floats, got .*int64"):
        read_reconresnet_weights(path)


def test_weights_without_settings_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="settings must be given"):
        write_reconresnet_weights(tmp_path / "a.safetensors", ReconResNetWeights(drawn()))

"""Files of diffusion models: every layout gives the same network, and nothing else is read or run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.diffusion_weights import (
    DiffusionWeights,
    read_diffusion_weights,
    write_diffusion_weights,
)
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet, diffusion_unet_of

TINY = DiffusionUnetSettings(None, 1, 2, 32, (1, 2), 1, (2,))
USUAL: dict[str, Any] = asdict(TINY)


@pytest.fixture(scope="module")
def network() -> DiffusionUnet:
    rng = torch.Generator().manual_seed(20)
    made = DiffusionUnet(TINY).eval()
    for parameter in made.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng) / math.sqrt(parameter[0].numel()))
    return made.requires_grad_(False)


def output(network: DiffusionUnet) -> Tensor:
    x = torch.linspace(-1, 1, 48).view(1, 1, 6, 8)
    with torch.no_grad():
        return network(x, torch.tensor([250.0]))


def wrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{name}": tensor for name, tensor in tensors.items()}


def worse(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: 0.5 * tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    "layout",
    [
        lambda t: t,
        wrapped,
        lambda t: {"state_dict": t},
        lambda t: {"state_dict": wrapped(t), "epoch": 3},
        lambda t: {"model": t},
        lambda t: {"model": t, "ema": None},
        lambda t: {"model": worse(t), "ema": t, "step": 7, "optimizer": {"state": {}}},
        lambda t: {"model": wrapped(worse(t)), "ema": wrapped(t)},
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_every_layout_gives_the_same_network(
    layout: Callable[[Any], Any], suffix: str, network: DiffusionUnet, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    torch.save(layout(network.state_dict()), path)
    found = read_diffusion_weights(path)
    assert found.settings is None
    again = diffusion_unet_of(found.tensors)
    assert again.settings == TINY
    torch.testing.assert_close(output(again), output(network), rtol=0, atol=0)


def test_parameters_and_halves_become_float32_tensors(network: DiffusionUnet, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(dict(network.named_parameters()), path)
    assert not any(tensor.requires_grad for tensor in read_diffusion_weights(path).tensors.values())
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, path)
    found = read_diffusion_weights(path).tensors
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    again = output(diffusion_unet_of(found))
    error = (again - output(network)).norm() / output(network).norm()
    assert 0 < error < 2e-3  # float16 has steps of 2^-11


def test_weights_are_read_as_written(network: DiffusionUnet, tmp_path: Path) -> None:
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    unseen = {"image_size": 64, "head_channels": 32, "predicts": "velocity"}  # in names and shapes
    settings = asdict(TINY) | unseen
    write_diffusion_weights(path, DiffusionWeights(network.state_dict(), settings))
    found = read_diffusion_weights(path)
    assert found.settings == settings
    again = diffusion_unet_of(found.tensors, DiffusionUnetSettings(**found.settings))
    assert again.settings.image_size == 64 and again.settings.multipliers == (1, 2)
    expected = diffusion_unet_of(network.state_dict(), DiffusionUnetSettings(**settings))
    torch.testing.assert_close(output(again), output(expected), rtol=0, atol=0)
    assert (output(again) - output(network)).abs().max() > 1e-3  # two heads where one was
    write_diffusion_weights(other, found)
    assert other.read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="settings must be given for a file of weights, got none"):
        write_diffusion_weights(other, DiffusionWeights(network.state_dict()))


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_hostile_pickle_does_not_run(network: DiffusionUnet, tmp_path: Path) -> None:
    struck, path = tmp_path / "struck", tmp_path / "a.pt"
    torch.save({"state_dict": network.state_dict(), "extra": Hostile(struck)}, path)
    words = r"a.pt must hold the state dict of a diffusion model and nothing else.*GLOBAL \w+.mkdir"
    with pytest.raises(ScanError, match=words):
        read_diffusion_weights(path)
    assert not struck.exists()
    torch.load(path, weights_only=False)  # the file does strike who lets it
    assert struck.exists()


def test_a_whole_module_is_refused(network: DiffusionUnet, tmp_path: Path) -> None:
    torch.save(network, tmp_path / "a.pt")
    with pytest.raises(ScanError, match=r"and nothing else, got what is not read: .*DiffusionUnet"):
        read_diffusion_weights(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([torch.ones(2)], "a.pt must hold the state dict of a diffusion model, got list"),
        ({}, "a.pt must hold the state dict of a diffusion model, got an empty dict"),
        ({"state_dict": torch.ones(2)}, "must hold the state dict of a diffusion model, got Tensor"),
        ({"model": {"a": torch.ones(2)}, "ema": {"decay": 0.9}}, "tensors by name, got float for 'decay'"),
        ({1: torch.ones(2)}, "a.pt must hold tensors by name, got Tensor for '1'"),
        ({"a": torch.tensor([1.0, math.nan])}, "a.pt: a must hold finite numbers"),
        ({"a": torch.tensor([1])}, "a.pt: a must be a plain array of floats, got torch.strided, torch.int64"),
        ({"a": torch.eye(2).to_sparse()}, "a.pt: a must be a plain array of floats, got torch.sparse_coo"),
        ({"a": torch.ones(2, device="meta")}, "a must be a plain array of floats, got .*, meta"),
        (
            {"a": torch.ones(1).expand(1 << 40)},
            "a.pt must hold at most 1073741824 numbers, got 1099511627776",
        ),
    ],
)
def test_other_contents_are_refused(held: object, words: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "a.pt")
    with pytest.raises(ScanError, match=words):
        read_diffusion_weights(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"format": "unet3d-1"}, "format must be diffusion-unet-1, got unet3d-1; it is no diffusion model"),
        ({"settings": None}, "settings must name attention_factors, .* got None amiss"),
        ({"settings": USUAL | {"depth": 3}}, "settings must name .* got depth amiss"),
        ({"settings": USUAL | {"width": 32.0}}, "width must be a whole number from 1 to 65536, got 32.0"),
        ({"settings": USUAL | {"predicts": "x"}}, "predicts must be noise or velocity, got x"),
        ({"settings": USUAL | {"image_size": 0}}, "image_size must be a whole number from 1 to 65536, got 0"),
        (
            {"settings": USUAL | {"multipliers": [1, True]}},
            r"multipliers must be whole numbers .* \[1, True\]",
        ),
        ({"settings": USUAL | {"attention_factors": 8}}, "attention_factors must be whole numbers .* got 8"),
    ],
)
def test_other_settings_are_refused(told: dict[str, Any], words: str, tmp_path: Path) -> None:
    usual = {"format": "diffusion-unet-1", "settings": USUAL}
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors", {"proxflow": json.dumps(usual | told)})
    with pytest.raises(ScanError, match=words):
        read_diffusion_weights(tmp_path / "a.safetensors")


def test_missing_damaged_and_other_files_are_refused(network: DiffusionUnet, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="network must be an existing file of weights"):
        read_diffusion_weights(tmp_path / "none.pt")
    torch.save(network.state_dict(), path := tmp_path / "a.pt")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ScanError, match=r"a.pt must be a file of torch.save, got another kind of file"):
        read_diffusion_weights(path)
    at = whole.index(b"input_blocks")
    path.write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    with pytest.raises(ScanError, match=r"a.pt must "):
        read_diffusion_weights(path)
    (other := tmp_path / "a.ckpt").write_bytes(whole)
    with pytest.raises(ScanError, match=r"a.ckpt must end in one of .safetensors, .pt, .pth, got .ckpt"):
        read_diffusion_weights(other)

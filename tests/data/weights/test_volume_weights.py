"""Files of weights for volumes: what is written is read, and no other file is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from proxflow.data.errors import ScanError
from proxflow.data.weights.network_weights import read_weights
from proxflow.data.weights.volume_weights import VolumeWeights, read_volume_weights, write_volume_weights
from proxflow.models.networks.unet3d import UNet3d, unet3d_of

USUAL = {"format": "unet3d-1", "network": "unet3d", "shape": [9, 8, 7], "sigma_high": 0.2}
USUAL |= {"frequencies": [], "snr_db": []}


def test_weights_are_read_as_written_and_make_the_same_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = UNet3d(1, sigmoid=True), tmp_path / "a.safetensors"
    network(torch.rand(2, 1, 8, 8, 8))  # so that running statistics are not as at first
    made = VolumeWeights(network.state_dict(), "deep2s", (9, 8, 7), 0.0, (5, 10), (10.0, 30.0))
    write_volume_weights(path, made)
    found = read_volume_weights(path)
    assert (found.network, found.shape, found.sigma_high) == ("deep2s", (9, 8, 7), 0.0)
    assert (found.frequencies, found.snr_db) == ((5, 10), (10.0, 30.0))
    volume = torch.rand(1, 1, 9, 8, 7)
    with torch.no_grad():
        expected, again = network.eval()(volume), unet3d_of(found.tensors, sigmoid=True)(volume)
    torch.testing.assert_close(again, expected, rtol=0, atol=0)
    assert expected.min() > 0 and expected.max() < 1
    other = tmp_path / "b.safetensors"
    write_volume_weights(other, found)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("tensors", "told", "words"),
    [
        ({"a": torch.tensor([1.0, float("nan")])}, {}, "a must hold finite numbers"),
        ({"a": torch.tensor([1], dtype=torch.int32)}, {}, "a must hold finite numbers"),
        ({"b.running_var": torch.tensor([1.0, -1.0])}, {}, "b.running_var must be at least 0, got -1"),
        ({"a": torch.ones(2)}, {"format": "dncnn-1"}, "format must be unet3d-1, got dncnn-1"),
        ({"a": torch.ones(2)}, {"network": "unet"}, "network must be one of unet3d, deep2s, got unet"),
        ({"a": torch.ones(2)}, {"shape": [3, 4]}, "shape must be three sizes"),
        ({"a": torch.ones(2)}, {"shape": None}, "shape must be three sizes"),
        ({"a": torch.ones(2)}, {"sigma_high": -0.1}, "sigma_high must be at least 0 and finite, got -0.1"),
        ({"a": torch.ones(2)}, {"frequencies": "5"}, "frequencies and snr_db must be lists of numbers"),
    ],
)
def test_a_wrong_file_is_refused(
    tensors: dict[str, torch.Tensor], told: dict[str, object], words: str, tmp_path: Path
) -> None:
    save_file(tensors, tmp_path / "a.safetensors", {"proxflow": json.dumps(USUAL | told)})
    with pytest.raises(ScanError, match=words):
        read_volume_weights(tmp_path / "a.safetensors")


def test_a_missing_a_damaged_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="denoiser must be an existing file of weights"):
        read_volume_weights(tmp_path / "none.safetensors")
    path = tmp_path / "a.safetensors"
    write_volume_weights(path, VolumeWeights({"a": torch.ones(200)}, "unet3d", (9, 8, 7), 0.2))
    with pytest.raises(ScanError, match="format must be dncnn-1, got unet3d-1"):
        read_weights(path)
    with pytest.raises(ValueError, match="weights must be those of"):
        unet3d_of(read_volume_weights(path).tensors)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ScanError, match="must be a complete safetensors file"):
        read_volume_weights(path)

"""Files of weights: what is written is read, and no other file is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from proxflow.data.errors import ScanError
from proxflow.data.weights.network_weights import NetworkWeights, read_weights, write_weights
from proxflow.models.networks.dncnn import DnCNN, dncnn_of


def test_weights_are_read_as_written(tmp_path: Path) -> None:
    tensors, path = DnCNN().state_dict(), tmp_path / "a.safetensors"
    write_weights(path, NetworkWeights(tensors, "image", 0.25))
    found = read_weights(path)
    assert found.predicts == "image" and found.peak == 0.25
    for name, tensor in tensors.items():
        torch.testing.assert_close(found.tensors[name], tensor, rtol=0, atol=0)
    again = tmp_path / "b.safetensors"
    write_weights(again, found)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("tensors", "told", "words"),
    [
        ({"a": torch.tensor([1.0, float("nan")])}, {}, "a must hold finite numbers"),
        ({"a": torch.ones(2)}, {"format": "other"}, "format must be dncnn-1, got other"),
        ({"a": torch.ones(2)}, {"predicts": "both"}, "predicts must be one of noise, image, got both"),
        ({"a": torch.ones(2)}, {"peak": 0.0}, "peak must be above 0 and finite, got 0"),
    ],
)
def test_a_wrong_safetensors_file_is_refused(
    tensors: dict[str, Tensor], told: dict[str, object], words: str, tmp_path: Path
) -> None:
    usual = {"format": "dncnn-1", "predicts": "noise", "peak": 1.0}
    save_file(tensors, tmp_path / "a.safetensors", {"proxflow": json.dumps(usual | told)})
    with pytest.raises(ScanError, match=words):
        read_weights(tmp_path / "a.safetensors")


def test_a_file_of_others_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    with pytest.raises(ScanError, match="format must be dncnn-1, got none; it is no denoiser of Proxflow"):
        read_weights(tmp_path / "a.safetensors")


def test_a_missing_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="denoiser must be an existing file of weights"):
        read_weights(tmp_path / "none.safetensors")
    path = tmp_path / "a.safetensors"
    write_weights(path, NetworkWeights(DnCNN().state_dict(), "noise", 1.0))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ScanError, match=r"a.safetensors must be a complete safetensors file"):
        read_weights(path)


@pytest.fixture
def authors() -> Iterator[type[nn.Module]]:
    """A class of the name and make that the published files ask for, importable while they are written."""

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            middle = [nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()) for _ in range(6)]
            self.init_layer = nn.Sequential(nn.Conv2d(1, 64, 3, padding=1), nn.ReLU())
            self.main = nn.Sequential(*middle)
            self.final_layer = nn.Conv2d(64, 1, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.final_layer(self.main(self.init_layer(x)))
            return out

    module = ModuleType("red_psm_models")
    Network.__module__, Network.__qualname__, Network.__name__ = module.__name__, "dncnn", "dncnn"
    module.dncnn = Network  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield Network
    sys.modules.pop(module.__name__, None)


@pytest.mark.parametrize(
    ("attribute", "kind", "predicts"),
    [("est_type", "residual", "noise"), ("noise_est_type", "direct", "image")],
)
def test_the_authors_files_are_read_without_their_class(
    attribute: str, kind: str, predicts: str, authors: type[nn.Module], tmp_path: Path, rng: torch.Generator
) -> None:
    network = authors()
    setattr(network, attribute, kind)
    torch.save(network, tmp_path / "a.pt")
    del sys.modules["red_psm_models"]
    found = read_weights(tmp_path / "a.pt")
    assert found.predicts == predicts and found.peak == pytest.approx(0.0718488)
    x = torch.rand(1, 1, 9, 7, generator=rng)
    torch.testing.assert_close(dncnn_of(found.tensors, "image")(x), network(x))


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_hostile_pickle_does_not_run(authors: type[nn.Module], tmp_path: Path) -> None:
    network, struck = authors(), tmp_path / "struck"
    network.est_type = "residual"  # type: ignore[assignment]
    network.extra = Hostile(struck)  # type: ignore[assignment]
    torch.save(network, tmp_path / "a.pt")
    with pytest.raises(ScanError, match=r"a.pt must hold a DnCNN of RED-PSM and nothing else"):
        read_weights(tmp_path / "a.pt")
    assert not struck.exists()
    torch.load(tmp_path / "a.pt", weights_only=False)  # the file does strike who lets it
    assert struck.exists()


def test_other_pickles_are_refused(authors: type[nn.Module], tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"layers.0.weight": torch.ones(2)}, path)
    with pytest.raises(ScanError, match="must hold a whole module of RED-PSM, got dict"):
        read_weights(path)
    torch.save(authors(), path)
    with pytest.raises(ScanError, match="est_type must be 'residual' or 'direct', got none"):
        read_weights(path)
    shallow = authors()
    shallow.main = nn.Sequential()
    torch.save(shallow, path)
    with pytest.raises(ScanError, match="must hold 8 convolutions with biases, got 2"):
        read_weights(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ScanError, match=r"must be a file of torch.save"):
        read_weights(path)

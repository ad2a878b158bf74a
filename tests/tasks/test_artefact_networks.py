"""Networks against artefacts by name: both architectures are opened, and what is not there is said."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from proxflow.data.weights.reconresnet_weights import ReconResNetWeights, write_reconresnet_weights
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.models.networks.unet2d import UNet2d, UNet2dSettings
from proxflow.tasks.artefact_networks import artefact_network, open_reconresnet
from proxflow.tasks.denoisers import check_there, file_of
from proxflow.tasks.errors import RequestError

TINY = ReconResNetSettings(n_blocks=1, width=4)
TINY_UNET = UNet2dSettings(width=3, n_levels=2)
TOLD = {"patterns": ["lines10"], "subjects": ["a"], "side": 64, "licence": "CC0", "half_error": 0.001}


def test_both_architectures_come_back_with_what_the_file_tells(tmp_path: Path, rng: torch.Generator) -> None:
    x = torch.rand(1, 1, 12, 9, generator=rng)
    for network, name in ((ReconResNet(TINY), "reconresnet"), (UNet2d(TINY_UNET), "unet")):
        path = tmp_path / f"{name}.safetensors"
        weights = ReconResNetWeights(network.state_dict(), asdict(network.settings), name, TOLD)  # type: ignore[arg-type]
        write_reconresnet_weights(path, weights)
        found, told = artefact_network(path)
        assert type(found) is type(network) and told.training == TOLD and told.architecture == name
        assert torch.equal(open_reconresnet(str(path))(x), network.eval()(x))


def test_what_a_file_tells_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for training, words in (
        (TOLD | {"side": "64"}, "side must be of type int, got '64'"),
        ({"patterns": ["lines10"]}, "settings must name patterns, subjects, side, licence, half_error"),
    ):
        weights = ReconResNetWeights(ReconResNet(TINY).state_dict(), asdict(TINY), "reconresnet", training)
        with pytest.raises(ValueError, match=words):
            write_reconresnet_weights(path, weights)


def test_a_unets_weights_are_no_reconresnet(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    weights = ReconResNetWeights(UNet2d(TINY_UNET).state_dict(), asdict(TINY), "reconresnet")
    write_reconresnet_weights(path, weights)
    with pytest.raises(RequestError, match=r"a\.safetensors: weights must be those of .* ReconResNet, got"):
        open_reconresnet(str(path))


def test_missing_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"network must be a name of .* or an existing file, got"):
        open_reconresnet(str(tmp_path / "none.safetensors"))
    for name in ("reconresnet-mri", "unet-mri"):
        path = file_of(name)
        assert path is not None and path.name == f"{name}.safetensors"
        with pytest.raises(RequestError, match=f"a file that train-reconresnet left, got {name}, whose"):
            check_there("network", name, tmp_path / "none")

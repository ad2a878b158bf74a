"""Networks of diffusion models from files: what opens, what is refused in one sentence."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.tasks.diffusion_networks import open_diffusion_unet
from proxflow.tasks.errors import RequestError

TINY = DiffusionUnetSettings(None, 1, 2, 32, (1, 2), 1, (2,), head_channels=32)


def test_files_open_with_their_settings(tmp_path: Path) -> None:
    ours, theirs, tensors = tmp_path / "a.safetensors", tmp_path / "b.pt", DiffusionUnet(TINY).state_dict()
    write_diffusion_weights(ours, DiffusionWeights(tensors, asdict(TINY)))
    torch.save(tensors, theirs)
    assert open_diffusion_unet(ours).settings == TINY
    assert open_diffusion_unet(theirs).settings == replace(TINY, head_channels=64)


def test_other_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="network must be an existing file of weights, got "):
        open_diffusion_unet(tmp_path / "none.pt")
    tensors = DiffusionUnet(TINY).state_dict()
    torch.save(tensors | {"out.2.bias": torch.zeros(3)}, tmp_path / "a.pt")
    with pytest.raises(RequestError, match=r"^a.pt: out.2.bias must have shape \(2,\), got \(3,\)$"):
        open_diffusion_unet(tmp_path / "a.pt")
    torch.save(tensors | {"label_emb.weight": torch.zeros(3)}, tmp_path / "a.pt")
    words = r"^a.pt: weights must be those of \d+ named tensors of DiffusionUnet, got label_emb.weight unexp"
    with pytest.raises(RequestError, match=words):
        open_diffusion_unet(tmp_path / "a.pt")
    wrong = DiffusionWeights(tensors, asdict(TINY) | {"multipliers": ()})
    write_diffusion_weights(tmp_path / "a.safetensors", wrong)
    with pytest.raises(RequestError, match=r"^a.safetensors: multipliers must be 1 to 8 positive sizes"):
        open_diffusion_unet(tmp_path / "a.safetensors")

"""Denoisers of images by name, for ``red`` and ``pnp_admm``: what opens, and sentences for what does not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from proxflow.configs.methods_denoising import PnpAdmm, Red
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.denoisers.in_batches import InBatches
from proxflow.models.denoisers.of_magnitude import OfMagnitude
from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.prior_denoiser import PriorDenoiser
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.tasks.denoisers import FILE, denoiser_files, method_part, open_denoiser
from proxflow.tasks.errors import RequestError
from proxflow.tasks.image_denoisers import open_image_denoiser
from proxflow.tasks.method_arguments import method_arguments


def unet(path: Path, channels: int = 2) -> Path:
    settings = DiffusionUnetSettings(None, channels, channels, 32, (1, 2), 1, (2,), head_channels=64)
    tensors = DiffusionUnet(settings).state_dict()
    if path.suffix == ".safetensors":
        write_diffusion_weights(path, DiffusionWeights(tensors, asdict(settings)))
    else:
        torch.save(tensors, path)
    return path


def test_names_open_what_they_say() -> None:
    tv = open_image_denoiser("tv", memory_bytes=2 * 14 * 8 * 40 * 24)
    assert isinstance(tv, InBatches) and isinstance(tv.denoise, LevelTv)
    assert tv.at_once(torch.empty(5, 40, 24, dtype=torch.complex64)) == 2
    assert isinstance(open_image_denoiser("dncnn-ct"), OfMagnitude)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_a_file_of_diffusion_weights_is_a_denoiser_told_the_noise(tmp_path: Path, name: str) -> None:
    path = unet(tmp_path / name)
    config = PnpAdmm(method="pnp_admm", denoiser=f"{path}:bfloat16")
    assert denoiser_files(config) == {FILE: str(path)}
    part = method_part(config)
    assert part["denoiser"] == f"given{path.suffix}:bfloat16"
    opened = method_arguments(PnpAdmm.model_validate(part), file=path)["denoiser"]
    assert isinstance(opened, PriorDenoiser) and opened.prior.channels == 2 and opened.predict.mixed
    x = torch.randn(2, 6, 5, dtype=torch.complex64)
    torch.testing.assert_close(opened(x, 0.1), x)  # a new network returns zeros: no noise is found


def test_phases_pass_a_network_of_magnitudes(rng: torch.Generator) -> None:
    x = torch.rand(2, 9, 8, generator=rng)
    turned = torch.polar(x, torch.full_like(x, 0.7))
    denoise = open_image_denoiser("dncnn-mri")
    plain = open_denoiser("dncnn-mri")(x)
    torch.testing.assert_close(denoise(x, 0.1), plain)
    found = denoise(turned, 0.1)
    torch.testing.assert_close(found.abs(), plain.clamp_min(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.where(plain > 0.01, found.angle(), 0.7), torch.full_like(x, 0.7))


def test_files_of_something_else_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^c.pt: denoiser must see one channel or two, got 3"):
        open_image_denoiser(str(unet(tmp_path / "c.pt", 3)))
    (tmp_path / "torn.safetensors").write_bytes(b"nothing")
    with pytest.raises(RequestError, match=r"torn.safetensors must be a complete safetensors file"):
        open_image_denoiser(str(tmp_path / "torn.safetensors"))
    (tmp_path / "torn.pt").write_bytes(b"nothing")
    with pytest.raises(RequestError, match=r"^torn.pt must be a file of torch.save"):
        open_image_denoiser(str(tmp_path / "torn.pt"))
    with pytest.raises(RequestError, match="denoiser must be an existing file of weights, got "):
        open_image_denoiser(str(tmp_path / "none.pth"))


@pytest.mark.parametrize("name", ["", "tv:0.03", "nlm", "fourier-wiener", "unet3d-radar", "a.npz"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError):
        Red(method="red", denoiser=name)

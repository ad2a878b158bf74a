"""Denoisers by name: what opens, what a stage's key stands on, what is refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from proxflow.configs.base import Part
from proxflow.configs.denoiser import DenoiserName, anchored
from proxflow.configs.loading import anchor_paths
from proxflow.data.open_scan import open_scan
from proxflow.data.store.keys import stage_key
from proxflow.data.weights.network_weights import NetworkWeights, write_weights
from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.denoisers.tv import TvDenoiser
from proxflow.models.networks.dncnn import DnCNN
from proxflow.operators.fourier import ifft2c
from proxflow.tasks import denoisers
from proxflow.tasks.denoisers import denoiser_files, method_part, open_denoiser
from proxflow.tasks.errors import RequestError

NAME = TypeAdapter(Annotated[str, DenoiserName])


class Method(Part):
    """As a method's schema with a denoiser."""

    method: str = "some"
    denoiser: DenoiserName = "tv"
    lam: float = 0.1


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    write_weights(path, NetworkWeights(DnCNN().state_dict(), "noise", 0.5))
    return path


@pytest.mark.parametrize(
    "name",
    ["tv", "tv:0.03", "tv:.5", "tv:1", "dncnn-ct", "dncnn-mri:bfloat16", "x/y.safetensors", "y.pt:bfloat16"],
)
def test_names_that_are_denoisers(name: str) -> None:
    assert Method(denoiser=name).denoiser == name


@pytest.mark.parametrize("name", ["", "tv:", "tv:2", "tv:bfloat16", "bm3d", "dncnn", "a.pkl", ".pt"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError):
        Method(denoiser=name)


@pytest.mark.parametrize("there", [True, False])
def test_bfloat16_that_is_not_there_is_said(
    there: bool, weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": there})
    with caplog.at_level("WARNING", "proxflow.stages"):
        assert open_denoiser(f"{weights}:bfloat16").mixed  # type: ignore[attr-defined]
        open_denoiser(str(weights))
    assert [record.message.partition(": ")[2] for record in caplog.records] == (
        [] if there else ["this processor has no bfloat16, which is slower here than float32"]
    )


def test_total_variation_takes_its_noise_from_the_name() -> None:
    usual, told = open_denoiser("tv"), open_denoiser("tv:0.07")
    assert isinstance(usual, TvDenoiser) and isinstance(told, TvDenoiser)
    assert usual.sigma == 0.02 and told.sigma == 0.07


def test_a_file_of_weights_opens_with_its_peak(weights: Path) -> None:
    denoiser = open_denoiser(f"{weights}:bfloat16", memory_bytes=1 << 20)
    assert isinstance(denoiser, NetworkDenoiser)
    assert denoiser.peak == 0.5 and denoiser.mixed and denoiser.memory_bytes == 1 << 20
    assert denoiser(torch.zeros(2, 9, 8)).shape == (2, 9, 8)


def lung() -> torch.Tensor:
    """Two frames of a chest that no network was trained on."""
    with open_scan("sample://dynamic-ct-lung") as scan:
        frames = scan.read([0]).reference[0][[0, 40]]
    return torch.from_numpy(frames / np.percentile(frames, 99.9)).float()


def brain() -> torch.Tensor:
    """A measured brain, 128 pixels, that no network was trained on."""
    with open_scan("sample://brain-13coil") as scan:
        kspace = torch.from_numpy(scan.read([0]).samples[0, :, 48:176, 48:176])
    image = ifft2c(kspace).abs().square().sum(0, keepdim=True).sqrt()
    return image / np.percentile(image.numpy(), 99.9)


@pytest.mark.parametrize(
    ("name", "subject", "least"),
    [("dncnn-ct", lung, (1.3, 1.8, 2.5, 2.8)), ("dncnn-mri", brain, (0.6, 1.05, 1.7, 2.0))],
)
def test_shipped_networks_remove_noise(
    name: str, subject: Callable[[], torch.Tensor], least: tuple[float, ...], rng: torch.Generator
) -> None:
    """At least as many times; noise of 1 % is already that of the measured brain itself."""
    clean, denoise = subject(), open_denoiser(name)
    for sigma, times in zip((0.01, 0.02, 0.05, 0.1), least, strict=True):
        noisy = clean + sigma * torch.randn(clean.shape, generator=rng)
        left = float((denoise(noisy) - clean).square().mean().sqrt())
        assert sigma / left > times, (sigma, left)


def test_a_key_stands_on_the_weights_not_on_their_place(weights: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "b.safetensors"
    moved.parent.mkdir()
    moved.write_bytes(weights.read_bytes())
    here, there = Method(denoiser=str(weights)), Method(denoiser=str(moved))
    assert (
        method_part(here)
        == method_part(there)
        == {"method": "some", "denoiser": "given.safetensors", "lam": 0.1}
    )
    assert method_part(Method(denoiser=f"{weights}:bfloat16"))["denoiser"] == "given.safetensors:bfloat16"
    assert denoiser_files(here) == {
        "denoiser": str(weights)
    }  # whose bytes decide the key, as of all such files
    assert Method.model_validate(method_part(here)).denoiser == "given.safetensors"
    assert open_denoiser("given.safetensors", file=weights) is not None


def test_shipped_weights_are_files_of_the_stage() -> None:
    named = Method(denoiser="dncnn-ct")
    assert method_part(named)["denoiser"] == "dncnn-ct"
    assert Path(denoiser_files(named)["denoiser"]).is_file()
    assert denoiser_files(Method(denoiser="tv")) == {}
    without: Any = SimpleNamespace(method="fbp")
    assert denoiser_files(without) == {}


@pytest.mark.parametrize(
    ("field", "name", "trainer"),
    [
        ("denoiser", "dncnn-mri", "train-denoiser"),
        ("denoiser", "dncnn-mri:bfloat16", "train-denoiser"),
        ("denoiser", "unet3d-radar", "train-volumes"),
        ("network", "deep2s-radar", "train-volumes"),
        ("prior", "diffusion-ct", "train-diffusion"),
        ("prior", "lpn-mri", "train-lpn"),
        ("network", "reconresnet-mri", "train-reconresnet"),
        ("network", "unet-mri", "train-reconresnet"),
    ],
)
def test_a_known_name_without_its_file_tells_what_makes_one(
    field: str, name: str, trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denoisers, "files", lambda package: tmp_path)
    config: Any = SimpleNamespace(**{"method": "any", field: name})
    words = (
        f"{field} must be weights that this Proxflow has, got {name}, which it comes without: "
        f"`proxflow {trainer}` makes a file of weights"
    )
    with pytest.raises(RequestError, match=f"^{re.escape(words)}$"):
        denoiser_files(config)


def test_a_missing_or_wrong_file_is_one_sentence(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(
        RequestError, match=r"denoiser must be a name of docs/denoisers.md or an existing file, got "
    ):
        denoiser_files(Method(denoiser=str(tmp_path / "none.pt")))
    other = tmp_path / "other.safetensors"
    write_weights(other, NetworkWeights({"layers.0.weight": torch.ones(3)}, "noise", 1.0))
    with pytest.raises(RequestError, match=r"other.safetensors: weights must be those of 16 named tensors"):
        open_denoiser(str(other))
    weights.write_bytes(b"nothing")
    with pytest.raises(RequestError, match=r"a.safetensors must be a complete safetensors file"):
        open_denoiser(str(weights))


def test_files_count_from_the_recipes_folder(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "reconstruct": {"method": "red_psm", "denoiser": "w/a.pt:bfloat16"},
        "compare": [{"method": "tv"}, {"method": "red_psm", "denoiser": "dncnn-ct"}],
    }
    anchor_paths(values, tmp_path)
    assert values["reconstruct"]["denoiser"] == f"{tmp_path}/w/a.pt:bfloat16"
    assert values["compare"][1]["denoiser"] == "dncnn-ct"
    assert anchored("/w/a.pt", tmp_path) == "/w/a.pt"


def test_other_weights_make_another_key() -> None:
    method = method_part(Method(denoiser="x.pt"))
    keys = {
        stage_key("reconstruct", {"config": method}, {"file:denoiser": digest}, source="s") for digest in "ab"
    }
    assert len(keys) == 2

"""Denoisers of magnitudes by name, and Deep2S: what opens, what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from proxflow.configs.loading import anchor_paths
from proxflow.configs.methods_magnitude import Deep2s, PnpMagnitude
from proxflow.data.weights.volume_weights import VolumeWeights, write_volume_weights
from proxflow.models.denoisers.adjoint_scenes import adjoint_magnitude, measured
from proxflow.models.denoisers.held_out_scenes import held_out_scenes
from proxflow.models.denoisers.scenes import SceneSettings
from proxflow.models.denoisers.told_level import LevelNonLocalMeans, LevelTv, Untold
from proxflow.models.denoisers.volume_network import VolumeNetworkDenoiser
from proxflow.models.denoisers.volume_training import judge_volumes, midpoints, noisy_volume
from proxflow.models.methods.deep2s import deep2s as by_deep2s
from proxflow.models.networks.judged import mean_mse
from proxflow.models.networks.unet3d import UNet3d
from proxflow.operators.mills_cross import mills_cross
from proxflow.tasks.denoisers import FILE, denoiser_files, file_of, method_part
from proxflow.tasks.errors import RequestError
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.volume_networks import open_deep2s, open_level_denoiser, open_volume_network


@pytest.fixture
def unet3d(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    write_volume_weights(path, VolumeWeights(UNet3d().state_dict(), "unet3d", (9, 8, 7), 0.3))
    return path


@pytest.fixture
def deep2s(tmp_path: Path) -> Path:
    path = tmp_path / "b.safetensors"
    tensors = UNet3d(1).state_dict()
    write_volume_weights(
        path, VolumeWeights(tensors, "deep2s", (9, 8, 7), frequencies=(5,), snr_db=(20.0, 30.0))
    )
    return path


def test_names_open_what_they_say(unet3d: Path) -> None:
    assert isinstance(open_level_denoiser("tv"), LevelTv)
    assert isinstance(open_level_denoiser("nlm"), LevelNonLocalMeans)
    assert isinstance(open_level_denoiser("dncnn-mri"), Untold)
    opened = open_level_denoiser(f"{unet3d}:bfloat16", memory_bytes=1 << 20)
    assert isinstance(opened, VolumeNetworkDenoiser)
    assert (opened.sigma_high, opened.mixed, opened.memory_bytes) == (0.3, True, 1 << 20)
    assert opened(torch.rand(1, 5, 6, 4), 0.1).shape == (1, 5, 6, 4)


@pytest.mark.parametrize("sigma", [0.05, 0.15])
def test_shipped_denoiser_removes_noise_of_a_volume(sigma: float) -> None:
    """Of a scene that no training drew; what is left is below a tenth of the noise's energy."""
    scene = held_out_scenes(SceneSettings(), 1, 90)[0]
    noisy = noisy_volume(scene, sigma, 90, "complex")[0]
    clean = open_level_denoiser("unet3d-radar")(noisy[None], sigma)[0]
    assert (clean - scene).square().mean() < 0.1 * (noisy - scene).square().mean()


def test_shipped_denoiser_of_white_noise_reaches_the_published_error() -> None:
    """1 357 505 parameters; 5e-5 of the squared peak, the mean over sigma in [0, 0.2], on scenes held out
    that have one compact target, as those of the published training; whose log ends at 3.5e-5."""
    path = file_of("unet3d-white")
    assert path is not None
    network, weights = open_volume_network(path, "denoiser", "unet3d")
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_357_505
    assert weights.sigma_high == 0.2
    scenes = list(held_out_scenes(SceneSettings(most_targets=1, solids=0.0), 8, 62))
    assert mean_mse(judge_volumes(network.eval(), scenes, midpoints(0.2, 5), "real")) < 5e-5


def test_shipped_deep2s_finds_the_targets() -> None:
    """Nearer than the adjoint image and than nothing, at the numbers of frequencies it was trained for."""
    array, scene = mills_cross(10), held_out_scenes(SceneSettings(), 1, 90)[0]
    y = measured(array, scene, 30.0, torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = by_deep2s(array, y, network=open_deep2s("deep2s-radar")).image.abs()
    found, adjoint = found / found.max(), adjoint_magnitude(array, y)
    errors = [float((image - scene).square().sum()) for image in (found, adjoint, torch.zeros(()))]
    assert errors[0] == min(errors) and errors[0] < 0.9 * errors[2]


def test_deep2s_opens_with_a_bounded_output(deep2s: Path) -> None:
    with torch.no_grad():
        out = open_deep2s(str(deep2s))(50 * torch.randn(1, 1, 5, 6, 4))
    assert out.min() >= 0 and out.max() <= 1
    config = Deep2s(method="deep2s", network=str(deep2s))
    assert denoiser_files(config) == {FILE: str(deep2s)}
    assert method_part(config) == {"method": "deep2s", "network": "given.safetensors"}
    assert isinstance(method_arguments(config)["network"], UNet3d)


def test_networks_for_something_else_are_refused(unet3d: Path, deep2s: Path) -> None:
    with pytest.raises(RequestError, match=r"^a.safetensors: network must be deep2s, got unet3d"):
        open_deep2s(str(unet3d))
    with pytest.raises(RequestError, match=r"^b.safetensors: network must be unet3d, got deep2s"):
        open_level_denoiser(str(deep2s))
    deep2s.write_bytes(deep2s.read_bytes()[:1000])
    with pytest.raises(RequestError, match=r"b.safetensors must be a complete safetensors file"):
        open_level_denoiser(str(deep2s))
    missing = PnpMagnitude(method="pnp_magnitude", denoiser="gone.safetensors")
    with pytest.raises(RequestError, match=r"denoiser must be a name of .* or an existing file, got gone"):
        denoiser_files(missing)


def test_relative_files_count_from_the_recipe(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "reconstruct": {"method": "deep2s", "network": "b.safetensors"},
        "compare": [{"method": "pnp_magnitude", "denoiser": "tv"}],
    }
    anchor_paths(values, tmp_path)
    assert values["reconstruct"]["network"] == str(tmp_path / "b.safetensors")
    assert values["compare"][0]["denoiser"] == "tv"


@pytest.mark.parametrize(
    "name", ["tv:0.03", "bm4d", "", "unet3d", "nlm:bfloat16", "a.npz", "unet3d-radar.pkl"]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError):
        PnpMagnitude(method="pnp_magnitude", denoiser=name)
    with pytest.raises(ValidationError):
        Deep2s(method="deep2s", network=name)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"epsilon": 0.0}, "must be above 0, since measurements hold noise, or null, got 0"),
        ({"epsilon": 1.0}, "less than 1"),
        ({"kappa": -0.1}, "greater than 0"),
        ({"sigma": -0.1}, "greater than or equal to 0"),
        ({"sigma_decay": 0.5}, "greater than or equal to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(changed: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TypeAdapter(PnpMagnitude).validate_python({"method": "pnp_magnitude"} | changed)

"""Diffusion priors by the names recipes use: what opens, what is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from proxflow.configs.loading import anchor_paths
from proxflow.configs.methods_diffusion import Dds
from proxflow.data.open_scan import open_scan
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.calibration.image_unit import bright
from proxflow.models.calibration.low_phase import low_phase
from proxflow.models.diffusion.fourier_wiener import FourierWiener, radial_spectrum
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.network_priors import VeNetworkPrior, VpNetworkPrior
from proxflow.models.diffusion.prior_training import noise_errors
from proxflow.models.diffusion.priors import DenoiserPrior
from proxflow.models.networks import ncsnpp
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.operators.fourier import ifft2c
from proxflow.tasks.denoisers import FILE, denoiser_files, method_part
from proxflow.tasks.diffusion_priors import open_diffusion_prior
from proxflow.tasks.errors import RequestError
from proxflow.tasks.method_arguments import method_arguments

SCORE = ncsnpp.NCSNppSettings(channels=8, multipliers=(1, 2, 2), n_blocks=1, image_size=16)


def unet(path: Path, channels: int = 2) -> Path:
    settings = DiffusionUnetSettings(None, channels, channels, 32, (1, 2), 1, (2,), head_channels=32)
    tensors = DiffusionUnet(settings).state_dict()
    if path.suffix == ".safetensors":
        write_diffusion_weights(path, DiffusionWeights(tensors, asdict(settings)))
    else:
        settings = DiffusionUnetSettings(None, channels, channels, 32, (1, 2), 1, (2,), head_channels=64)
        torch.save({"state_dict": DiffusionUnet(settings).state_dict()}, path)
    return path


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small network in the layout of a checkpoint of score-MRI."""
    monkeypatch.setattr(ncsnpp, "OFFICIAL", SCORE)
    network = ncsnpp.NCSNpp(SCORE)
    weights = {name: tensor.detach() for name, tensor in network.named_parameters()}
    trained = [tensor for name, tensor in weights.items() if name != "all_modules.0.W"]
    model = {f"module.{name}": tensor for name, tensor in weights.items()}
    averages = {"decay": 0.999, "num_updates": 5, "shadow_params": trained}
    torch.save({"model": model, "ema": averages, "step": 5}, tmp_path / "checkpoint.pth")
    return tmp_path / "checkpoint.pth"


def test_names_open_what_they_say() -> None:
    assert isinstance(open_diffusion_prior("tv").predict, DenoiserPrior)
    assert open_diffusion_prior("fourier-wiener") == ImagePrior(None)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_of_a_unet_is_variance_preserving(tmp_path: Path, name: str, channels: int) -> None:
    opened = open_diffusion_prior(f"{unet(tmp_path / name, channels)}:bfloat16")
    assert isinstance(opened.predict, VpNetworkPrior) and opened.predict.mixed
    assert (opened.process, opened.channels) == ("vp", channels)


def test_a_file_of_a_score_network_is_variance_exploding(score: Path) -> None:
    opened = open_diffusion_prior(str(score))
    assert isinstance(opened.predict, VeNetworkPrior)
    assert (opened.process, opened.channels, opened.least_side) == ("ve", 1, 4)


def test_images_go_through_together_as_memory_allows(tmp_path: Path, score: Path) -> None:
    """One at least, eight at most; a network of one channel sees the parts of complex images one by one."""
    image = torch.empty(40, 24, dtype=torch.complex64)
    for name in ("tv", "fourier-wiener", str(unet(tmp_path / "a.pt")), str(score)):
        prior = open_diffusion_prior(name)
        each = 14 * 8 * 40 * 24 if prior.image_bytes is None else prior.image_bytes(image)
        for share, expected in ((0.1, 1), (3.5, 3), (100, 8)):
            budget = int(share * each)
            assert open_diffusion_prior(name, memory_bytes=budget).images_at_once(image) == expected
        assert prior.images_at_once(image) == 8 and prior.images_at_once(image.expand(5, 40, 24)) == 8
        assert prior.images_at_once(torch.empty(40_000, 30_000, device="meta")) == 1
    one, two = (open_diffusion_prior(str(unet(tmp_path / f"{n}.pt", n))).image_bytes for n in (1, 2))
    assert one is not None and two is not None
    assert one(image) == 2 * two(image) == 2 * one(image.real)


def test_files_of_something_else_are_refused_in_one_sentence(tmp_path: Path) -> None:
    torch.save({"all_modules.0.W": torch.zeros(128)}, tmp_path / "part.pth")
    with pytest.raises(RequestError, match=r"^part.pth must hold the \d+ tensors of the score network"):
        open_diffusion_prior(str(tmp_path / "part.pth"))
    torch.save({"model": {"conv.weight": torch.zeros(3)}}, tmp_path / "other.pt")
    with pytest.raises(RequestError, match=r"^other.pt: "):
        open_diffusion_prior(str(tmp_path / "other.pt"))
    (tmp_path / "torn.pt").write_bytes(b"nothing")
    with pytest.raises(RequestError, match=r"^torn.pt must be a file of torch.save"):
        open_diffusion_prior(str(tmp_path / "torn.pt"))
    with pytest.raises(RequestError, match="prior must be an existing file of weights, got "):
        open_diffusion_prior(str(tmp_path / "none.pth"))
    with pytest.raises(RequestError, match=r"c.pt: prior must see one channel or two, got 3"):
        open_diffusion_prior(str(unet(tmp_path / "c.pt", 3)))


def test_bytes_of_the_file_and_not_its_place_are_part_of_a_stage(tmp_path: Path) -> None:
    path = unet(tmp_path / "a.pth")
    config = Dds(method="dds", prior=f"{path}:bfloat16")
    assert denoiser_files(config) == {FILE: str(path)}
    part = method_part(config)
    assert part["prior"] == "given.pth:bfloat16"
    again = method_arguments(Dds.model_validate(part), file=path)["prior"]
    assert again.channels == 2 and again.predict.mixed
    assert denoiser_files(Dds(method="dds")) == {}
    with pytest.raises(RequestError, match=r"^prior must be a name of docs/methods/dds.md or an"):
        denoiser_files(Dds(method="dds", prior="gone.pth"))


def test_relative_files_count_from_the_recipe(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "reconstruct": {"method": "dds", "prior": "w/a.pth"},
        "compare": [{"method": "dds", "prior": "fourier-wiener"}],
    }
    anchor_paths(values, tmp_path)
    assert values["reconstruct"]["prior"] == str(tmp_path / "w/a.pth")
    assert values["compare"][0]["prior"] == "fourier-wiener"


@pytest.mark.parametrize("name", ["", "tv:0.03", "tv:bfloat16", "fourier", "dncnn-mri", "a.npz", ".pt"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError):
        Dds(method="dds", prior=name)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"n_iter": 1}, "greater than or equal to 2"),
        ({"n_iter": 1001}, "less than or equal to 1000"),
        ({"eta": 1.1}, "less than or equal to 1"),
        ({"gamma": 0.0}, "greater than 0"),
        ({"consistency": "soft"}, "'proximal', 'hard' or 'adaptive'"),
        ({"epsilon": 0.0}, "greater than 0"),
        ({"samples": 0}, "greater than or equal to 1"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"axial_rho": 0.0}, "greater than 0"),
    ],
)
def test_numbers_out_of_range_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Dds.model_validate({"method": "dds"} | changed)


def chest() -> torch.Tensor:
    """A chest that no network was trained on, (1, y, x)."""
    with open_scan("sample://dynamic-ct-lung") as scan:
        return torch.from_numpy(scan.read([0]).reference[0][:1]).float()


def head() -> torch.Tensor:
    """A measured brain, its coils combined by their smooth phases, which are taken off."""
    with open_scan("sample://brain-13coil") as scan:
        coils = ifft2c(torch.from_numpy(scan.read([0]).samples[0]))
    combined = (coils * low_phase(coils).conj()).sum(0, keepdim=True)
    return combined * low_phase(combined).conj()


@pytest.mark.parametrize(
    ("name", "subject", "least"),
    [
        ("diffusion-ct", chest, (2.5, 2, 1.3, 1, 1, 1.5)),
        ("diffusion-mri", head, (1.2, 1, 0.8, 0.8, 0.9, 0.9)),
    ],
)
def test_shipped_priors_are_beside_the_filter_that_knows_the_image(
    name: str, subject: Callable[[], torch.Tensor], least: tuple[float, ...]
) -> None:
    """Errors of Wiener's filter with the spectrum of this very image over those of the network, by level."""
    image = subject()
    image = image / float(bright(image[0], 2))
    predict = open_diffusion_prior(name).predict
    assert predict is not None
    wiener = FourierWiener(radial_spectrum(list(image), (image.shape[-2], image.shape[-1])))
    errors = zip(noise_errors(wiener, image), noise_errors(predict, image), least, strict=True)
    for of_wiener, found, times in errors:
        assert of_wiener / found > times

"""Denoisers that are told the noise's level."""

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.told_level import LevelNonLocalMeans, LevelTv, Untold
from proxflow.models.denoisers.tv import TvDenoiser
from proxflow.models.denoisers.volume_network import VolumeNetworkDenoiser
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.unet3d import UNet3d


def box(rng: torch.Generator, sigma: float, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    clean = torch.zeros(shape)
    clean[..., 3:7, 2:6] = 1.0
    return clean, clean + sigma * torch.randn(shape, generator=rng)


@pytest.mark.parametrize("denoise", [LevelTv(), LevelNonLocalMeans()], ids=["tv", "nlm"])
@pytest.mark.parametrize("shape", [(2, 8, 10, 9), (2, 16, 14)])
def test_noise_of_the_told_level_is_removed(
    denoise: LevelTv | LevelNonLocalMeans, shape: tuple[int, ...], rng: torch.Generator
) -> None:
    clean, noisy = box(rng, 0.15, shape)
    found = denoise(noisy, 0.15)
    assert found.dtype == noisy.dtype and found.shape == noisy.shape
    assert (found - clean).norm() < 0.6 * (noisy - clean).norm()
    torch.testing.assert_close(denoise(noisy[1:], 0.15)[0], found[1])  # each by itself
    torch.testing.assert_close(denoise(noisy, 0.0), noisy)


def test_a_denoiser_of_images_takes_volumes_plane_by_plane(rng: torch.Generator) -> None:
    images = TvDenoiser(0.1)
    _, noisy = box(rng, 0.1, (2, 3, 12, 9))
    found = Untold(images)(noisy, 0.7)
    torch.testing.assert_close(found, torch.stack([images(volume) for volume in noisy]))


def test_a_network_is_never_told_more_than_it_was_trained_on(rng: torch.Generator) -> None:
    told: list[Tensor] = []

    class Watched(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            told.append(x)
            return 0.5 * x[:, :1]

    denoise = VolumeNetworkDenoiser(Watched(), sigma_high=0.2)
    volumes = torch.rand(2, 5, 6, 7, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(denoise(volumes, 0.4), 0.5 * volumes, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(told[0][0, 0].double(), 0.5 * volumes[0], rtol=1e-6, atol=1e-6)
    assert (told[0][:, 1] == 0.2).all() and len(told) == 2  # one volume at a time
    denoise(volumes, 0.1)
    assert (told[-1][:, 1] == 0.1).all()
    VolumeNetworkDenoiser(Watched(), sigma_high=0.2, memory_bytes=1 << 30)(volumes, 0.0)
    assert len(told[-1]) == 2 and not told[-1][:, 1].any()


@pytest.mark.parametrize("shape", [(1, 9, 9), (1, 3, 9, 9)])
def test_images_are_no_volumes(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsuitableError, match="denoiser must be one of images for an image of"):
        VolumeNetworkDenoiser(UNet3d(), sigma_high=0.2)(torch.zeros(shape), 0.1)

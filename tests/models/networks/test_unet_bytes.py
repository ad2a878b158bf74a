"""What is counted of a U-Net's activations against what its tensors take when it runs, there and back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from proxflow.models.diffusion.guidance import guided
from proxflow.models.diffusion.network_priors import VeNetworkPrior, VpNetworkPrior
from proxflow.models.diffusion.noise_levels import ve_steps, vp_levels
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.diffusion_settings import OFFICIAL_MRI_320, SMALL, DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.ncsnpp import NCSNpp, NCSNppSettings
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import COPIES, ReconResNetSettings
from proxflow.models.networks.unet2d import UNet2d, UNet2dSettings
from proxflow.models.networks.unet_bytes import OVERHEAD, unet_image_bytes
from proxflow.models.networks.unet_gradient_bytes import OVERHEAD as GRADIENT_OVERHEAD


class Live(TorchDispatchMode):
    """The most bytes that all tensors take at one time which operations return."""

    def __init__(self) -> None:
        super().__init__()
        self.peak, self.now = 0, 0
        self.held: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returned = func(*args, **(kwargs or {}))
        for each in returned if isinstance(returned, tuple | list) else (returned,):
            if isinstance(each, Tensor):
                self.hold(each.untyped_storage())
        return returned

    def hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.held:

            def freed(_: object) -> None:
                del self.held[key]
                self.now -= size

            self.held[key] = weakref.ref(storage, freed)
            self.now += size
            self.peak = max(self.peak, self.now)


def another(prior: Callable[..., Tensor], image: Tensor, level: Any) -> int:
    """Bytes that one image more takes: weights, of which operations return views, are in both."""
    peaks = []
    for count in (1, 2):
        with Live() as live:
            prior(image.expand(count, *image.shape).clone(), level)
        peaks.append(live.peak)
    return peaks[1] - peaks[0]


def there_and_back(prior: Any) -> Callable[..., None]:
    """The gradient by images as ``dps`` takes it, through weights that have none."""
    prior.network.requires_grad_(False)

    def gradient(images: Tensor, level: Any) -> None:
        guided(prior, images, level, 2, len(images)).pull(images)

    return gradient


unets = pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        replace(SMALL, in_channels=1, out_channels=2, multipliers=(1, 1, 2), n_res_blocks=3),
        DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (1, 2), head_channels=16),
    ],
)
score_networks = pytest.mark.parametrize("multipliers", [(1, 2, 2), (1,)])


@unets
def test_a_unet_takes_what_is_counted(settings: DiffusionUnetSettings, rng: torch.Generator) -> None:
    prior = VpNetworkPrior(DiffusionUnet(settings))
    image = torch.randn(45, 40, dtype=torch.complex64, generator=rng)
    found = another(prior, image, vp_levels()[300])
    assert prior.image_bytes(image) / OVERHEAD == pytest.approx(found, rel=0.15)


@unets
def test_a_gradient_through_a_unet_takes_what_is_counted(
    settings: DiffusionUnetSettings, rng: torch.Generator
) -> None:
    prior = VpNetworkPrior(DiffusionUnet(settings))
    image = torch.randn(45, 40, dtype=torch.complex64, generator=rng)
    found = another(there_and_back(prior), image, vp_levels()[300])
    assert prior.image_bytes(image, gradient=True) / GRADIENT_OVERHEAD == pytest.approx(found, rel=0.06)
    assert prior.image_bytes(image, gradient=True) > 4 * prior.image_bytes(image)


@score_networks
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_a_score_network_takes_what_is_counted(
    multipliers: tuple[int, ...], dtype: torch.dtype, rng: torch.Generator
) -> None:
    prior = VeNetworkPrior(NCSNpp(NCSNppSettings(channels=32, multipliers=multipliers, n_blocks=2)))
    image = torch.randn(38, 45, dtype=dtype, generator=rng)
    found = another(prior, image, ve_steps(10, eta=0.5)[4].at)
    assert prior.image_bytes(image) / OVERHEAD == pytest.approx(found, rel=0.15)


@score_networks
def test_a_gradient_through_a_score_network_takes_what_is_counted(
    multipliers: tuple[int, ...], rng: torch.Generator
) -> None:
    prior = VeNetworkPrior(NCSNpp(NCSNppSettings(channels=32, multipliers=multipliers, n_blocks=2)))
    image = torch.randn(38, 45, generator=rng)
    found = another(there_and_back(prior), image, ve_steps(10, eta=0.5)[4].at)
    assert prior.image_bytes(image, gradient=True) / GRADIENT_OVERHEAD == pytest.approx(found, rel=0.2)


@pytest.mark.parametrize(
    "settings",
    [
        ReconResNetSettings(n_blocks=2, width=8),
        ReconResNetSettings(n_blocks=1, width=32),
        ReconResNetSettings(n_blocks=1, width=8, n_levels=4),
        *(ReconResNetSettings(n_blocks=1, width=8, skips=skips) for skips in range(1, 6)),
        UNet2dSettings(),
        UNet2dSettings(width=40, n_levels=2),
        UNet2dSettings(width=8, n_levels=1),
    ],
)
def test_networks_against_artefacts_take_what_they_say(
    settings: ReconResNetSettings | UNet2dSettings,
) -> None:
    network = UNet2d(settings) if isinstance(settings, UNet2dSettings) else ReconResNet(settings)
    channels_last(network.eval())

    def through(images: Tensor, level: object) -> None:
        with torch.no_grad():
            network(images[:, None].contiguous(memory_format=torch.channels_last))

    found = another(through, torch.zeros(96, 80), None)
    copies = OVERHEAD if isinstance(settings, UNet2dSettings) else COPIES
    assert settings.pixel_bytes * 96 * 80 / copies == pytest.approx(found, rel=0.1)


def test_kept_features_of_fine_levels_and_attention_count() -> None:
    """One level of 2 blocks: 4 c + 5 c numbers a pixel. A wide coarse level is met by the one above it."""
    assert unet_image_bytes((8,), 2, 100) == 8 * (9 * 8 * 100)
    assert unet_image_bytes((8, 8, 800), 1, 400) == 8 * (2 * 8 * 400 + (4 * 800 + 4 * 8) * 100)
    assert unet_image_bytes((8,), 2, 100, (2,)) == 8 * (9 * 8 * 100 + 2 * 2 * 100**2)
    assert unet_image_bytes((8,), 2, 100, in_place=True) == 8 * (8 * 8 * 100)
    official = OFFICIAL_MRI_320
    assert 1.5 < unet_image_bytes(official.channels, official.n_res_blocks, 320**2) / 2**30 < 1.7

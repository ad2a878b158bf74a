"""A network as a denoiser: each image on its own, at the network's own scale."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from proxflow.models.denoisers.network import PIXEL_BYTES, NetworkDenoiser
from proxflow.models.networks.dncnn import DnCNN


class Clipped(nn.Module):
    """Not scale-free: what is above the peak it knows is cut."""

    def forward(self, images: Tensor) -> Tensor:
        return images.clamp_max(0.07)


def test_images_are_denoised_at_the_networks_scale() -> None:
    denoise = NetworkDenoiser(Clipped(), peak=0.07)
    images = torch.tensor([[[0.5, 1.0, 3.0]]])
    torch.testing.assert_close(denoise(images), torch.tensor([[[0.5, 1.0, 1.0]]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_batches_do_not_change_the_result(dtype: torch.dtype, rng: torch.Generator) -> None:
    images = torch.rand(5, 13, 10, dtype=dtype, generator=rng)
    network = DnCNN()
    alone = NetworkDenoiser(network, memory_bytes=1)
    assert alone.batch_of(images.shape[-2:]) == 1
    pairs = NetworkDenoiser(network, memory_bytes=2 * PIXEL_BYTES * 130)
    assert pairs.batch_of(images.shape[-2:]) == 2
    expected = torch.stack([network(image[None, None].float())[0, 0] for image in images]).to(dtype)
    for denoise in (alone, pairs, NetworkDenoiser(network)):
        found = denoise(images)
        assert found.dtype == dtype and not found.requires_grad
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_bfloat16_stays_near_float32(rng: torch.Generator) -> None:
    images, network = torch.rand(2, 24, 17, generator=rng), DnCNN()
    exact, mixed = NetworkDenoiser(network)(images), NetworkDenoiser(network, mixed=True)(images)
    assert mixed.dtype == torch.float32
    assert 0 < (mixed - exact).abs().max() < 2e-3


def test_a_single_image_without_its_axis_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images must have axes \(n, y, x\), got shape \(4, 5\)"):
        NetworkDenoiser(DnCNN())(torch.zeros(4, 5))

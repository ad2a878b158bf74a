"""The plain U-Net of images."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.networks.unet2d import UNet2d, UNet2dSettings, unet2d_of

TINY = UNet2dSettings(width=3, n_levels=2)


def test_any_side_keeps_its_shape_and_weights_make_the_same_network(rng: torch.Generator) -> None:
    network = UNet2d(TINY).eval()
    x = torch.rand(2, 1, 11, 18, generator=rng)
    again = unet2d_of(network.state_dict(), TINY)
    out = again(x)
    assert out.shape == x.shape and torch.equal(out, network(x))


def test_far_pixels_reach_each_other_and_images_do_not(rng: torch.Generator) -> None:
    network = UNet2d(TINY).eval()
    x = torch.rand(2, 1, 16, 12, generator=rng)
    changed = x.clone()
    changed[0, 0, 0, 0] += 1
    moved = (network(changed) - network(x)).detach()
    assert float(moved[0, 0, -1, -1].abs()) > 0 and float(moved[1].abs().max()) == 0


def test_a_training_begins_with_a_dark_image(rng: torch.Generator) -> None:
    """SSIM, the loss, tells an image from its negative by C1 and C2 alone."""
    out = UNet2d(TINY).eval()(torch.rand(1, 1, 11, 16, generator=rng)).detach()
    assert float(out.min()) >= 0 and float(out.mean()) < 0.2


def test_nothing_is_made_negative(rng: torch.Generator) -> None:
    out = UNet2d(TINY).eval()(10 * torch.rand(1, 1, 16, 16, generator=rng)).detach()
    assert float(out.min()) >= 0 and float(out.max()) <= 1


def test_what_cannot_be_built_is_refused() -> None:
    for wrong, words in (
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"n_levels": 9}, "n_levels must be from 1 to 6, got 9"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
    ):
        with pytest.raises(ValueError, match=words):
            UNet2dSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"down\.3\.0\.weight|up\.\d"):
        unet2d_of(UNet2d(TINY).state_dict(), UNet2dSettings(width=3, n_levels=3))

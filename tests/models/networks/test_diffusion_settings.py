"""Sizes of the diffusion U-Net: what cannot be built, and what weights tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.networks.diffusion_settings import (
    OFFICIAL_CT_256,
    OFFICIAL_MRI_320,
    SMALL,
    DiffusionUnetSettings,
    diffusion_settings_of,
)
from proxflow.models.networks.diffusion_unet import DiffusionUnet

SETTINGS = [
    OFFICIAL_CT_256,
    OFFICIAL_MRI_320,
    SMALL,
    replace(SMALL, in_channels=1, out_channels=1),
    DiffusionUnetSettings(None, 1, 2, 64, (1,), 3, ()),
    DiffusionUnetSettings(None, 2, 4, 32, (2, 2, 2), 2, (1, 4)),
    replace(OFFICIAL_CT_256, in_channels=2, out_channels=4, image_size=None),
]


def weights_of(settings: DiffusionUnetSettings) -> dict[str, Tensor]:
    with torch.device("meta"):
        return DiffusionUnet(settings).state_dict()


@pytest.mark.parametrize("settings", SETTINGS)
def test_weights_tell_their_settings(settings: DiffusionUnetSettings) -> None:
    assert diffusion_settings_of(weights_of(settings)) == settings


def test_attention_of_the_320_pixel_network_is_in_its_middle_alone() -> None:
    assert OFFICIAL_MRI_320.attention_levels == () and OFFICIAL_CT_256.attention_levels == (4,)
    assert OFFICIAL_MRI_320.side_factor == 32 and SMALL.side_factor == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"out_channels": 3}, "out_channels must be in_channels or twice as many, got 2 and 3"),
        ({"width": 48}, "width must be a multiple of 32, got 48"),
        ({"multipliers": ()}, r"multipliers must be 1 to 8 positive sizes, got \(\)"),
        ({"multipliers": (1, 0)}, "multipliers must be 1 to 8 positive sizes"),
        ({"n_res_blocks": 0}, "n_res_blocks must be 1 to 16, got 0"),
        ({"head_channels": 48}, r"head_channels must divide \[128\], got 48"),
        ({"attention_factors": (1,)}, r"head_channels must divide \[32, 128\], got 64"),
    ],
)
def test_settings_of_no_network_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SMALL, **change)


def test_weights_of_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"diffusion U-Net with a tensor time_embed.0.weight, got none"):
        diffusion_settings_of({"layers.0.weight": torch.zeros(64, 1, 3, 3)})
    wrong = weights_of(SMALL) | {"time_embed.0.weight": torch.zeros(128)}
    with pytest.raises(ValueError, match=r"time_embed.0.weight, got shape \(128,\)"):
        diffusion_settings_of(wrong)
    uneven = weights_of(SMALL) | {"input_blocks.1.0.in_layers.2.weight": torch.zeros(40, 32, 3, 3)}
    with pytest.raises(ValueError, match=r"channels of levels must be multiples of the width 32, got \[40,"):
        diffusion_settings_of(uneven)

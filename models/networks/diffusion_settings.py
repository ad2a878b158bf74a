"""Sizes of the U-Net of diffusion models: given, by name, or read off its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

GROUPS = 32  # of every group norm
MOST_LEVELS = 8
MOST_RES_BLOCKS = 16

Prediction = Literal["noise", "velocity"]


@dataclass(frozen=True)
class DiffusionUnetSettings:
    """What fixes a ``DiffusionUnet``.

    image_size: side of the images it was trained on, in pixels; None where that is not known. Changes nothing
        that is computed.
    in_channels: of an image: 1 for a real one, 2 for (real part, imaginary part).
    out_channels: ``in_channels``, or twice as many where the variance is learned as well.
    width: channels of the time embedding's sinusoids, and what ``multipliers`` multiply.
    multipliers: channels of each level as multiples of ``width``, the finest level first.
    n_res_blocks: residual blocks of each level on the way down; one more on the way up.
    attention_factors: downsampling factors (1, 2, 4, ...) at which residual blocks are followed by attention;
        a factor that never occurs is allowed and does nothing. The middle block always has attention.
    head_channels: of each attention head.
    predicts: what the first ``in_channels`` of what comes out are of x_t = signal x_0 + noise epsilon:
        epsilon, or v = signal epsilon - noise x_0 (Salimans & Ho, Progressive distillation, ICLR 2022).
        The image that v tells, signal x_t - noise v, has v's error; by epsilon it has that times
        noise / signal. Leaves no trace in weights.

    Raises ValueError where no such network can be built.
    """

    image_size: int | None
    in_channels: int
    out_channels: int
    width: int
    multipliers: tuple[int, ...]
    n_res_blocks: int
    attention_factors: tuple[int, ...]
    head_channels: int = 64
    predicts: Prediction = "noise"

    def __post_init__(self) -> None:
        if self.in_channels < 1 or self.out_channels not in (self.in_channels, 2 * self.in_channels):
            got = f"{self.in_channels} and {self.out_channels}"
            raise ValueError(f"out_channels must be in_channels or twice as many, got {got}")
        if self.width < GROUPS or self.width % GROUPS:
            raise ValueError(f"width must be a multiple of {GROUPS}, got {self.width}")
        if not 1 <= len(self.multipliers) <= MOST_LEVELS or min(self.multipliers) < 1:
            raise ValueError(f"multipliers must be 1 to {MOST_LEVELS} positive sizes, got {self.multipliers}")
        if not 1 <= self.n_res_blocks <= MOST_RES_BLOCKS:
            raise ValueError(f"n_res_blocks must be 1 to {MOST_RES_BLOCKS}, got {self.n_res_blocks}")
        attended = [self.channels[-1], *(self.channels[level] for level in self.attention_levels)]
        if self.head_channels < 1 or any(n % self.head_channels for n in attended):
            raise ValueError(f"head_channels must divide {sorted(set(attended))}, got {self.head_channels}")

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each level, the finest first."""
        return tuple(self.width * multiplier for multiplier in self.multipliers)

    @property
    def attention_levels(self) -> tuple[int, ...]:
        """Levels whose residual blocks are followed by attention; 0 is the finest."""
        return tuple(i for i in range(len(self.multipliers)) if 2**i in self.attention_factors)

    @property
    def side_factor(self) -> int:
        """What sides of images must be multiples of for every level to halve them."""
        return int(2 ** (len(self.multipliers) - 1))


# The authors' code turns "attention at 16 x 16", which both are configured with, into the downsampling factor
# image_size // 16: 16 in the one, 20 in the other, which never occurs.
OFFICIAL_CT_256 = DiffusionUnetSettings(256, 1, 2, 256, (1, 1, 2, 2, 4, 4), 1, (16,))
OFFICIAL_MRI_320 = DiffusionUnetSettings(320, 2, 4, 256, (1, 1, 2, 2, 4, 4), 1, (20,))
# For complex images; of real ones with in_channels and out_channels 1.
SMALL = DiffusionUnetSettings(None, 2, 2, 32, (1, 2, 2, 4), 1, (8,))


def diffusion_settings_of(tensors: Mapping[str, Tensor]) -> DiffusionUnetSettings:
    """The settings of the network that has these weights, named as ``DiffusionUnet`` names them.

    Three settings leave no trace in names and shapes: ``image_size`` is that of the official network of the
    same layout, or None; ``head_channels`` is 64 and ``predicts`` the noise, as in all networks of
    guided-diffusion's configurations that DDS uses. Whether all other names and shapes fit is for
    ``diffusion_unet_of`` to say.

    Raises ValueError where the weights are of another kind of network.
    """
    width, in_channels = (
        _size(tensors, "time_embed.0.weight", 1),
        _size(tensors, "input_blocks.0.0.weight", 1),
    )
    up = [i for i in range(_n_output_blocks(tensors)) if _resamples(tensors, f"output_blocks.{i}")]
    n_res_blocks = up[0] if up else _n_output_blocks(tensors) - 1  # a level ends in the block that upsamples
    starts = [1 + i * (n_res_blocks + 1) for i in range(len(up) + 1)]
    channels = [_size(tensors, f"input_blocks.{i}.0.in_layers.2.weight", 0) for i in starts]
    if width < 1 or any(n % width for n in channels):
        raise ValueError(f"channels of levels must be multiples of the width {width}, got {channels}")
    attended = [2**level for level, i in enumerate(starts) if f"input_blocks.{i}.1.qkv.weight" in tensors]
    found = DiffusionUnetSettings(
        image_size=None,
        in_channels=in_channels,
        out_channels=_size(tensors, "out.2.weight", 0),
        width=width,
        multipliers=tuple(n // width for n in channels),
        n_res_blocks=n_res_blocks,
        attention_factors=tuple(attended),
    )
    return next((named for named in (OFFICIAL_CT_256, OFFICIAL_MRI_320) if _same(named, found)), found)


def _size(tensors: Mapping[str, Tensor], name: str, axis: int) -> int:
    if name not in tensors or tensors[name].ndim <= axis:
        got = f"shape {tuple(tensors[name].shape)}" if name in tensors else "none"
        raise ValueError(f"weights must be those of a diffusion U-Net with a tensor {name}, got {got}")
    return int(tensors[name].shape[axis])


def _n_output_blocks(tensors: Mapping[str, Tensor]) -> int:
    parts = (name.split(".") for name in tensors if name.startswith("output_blocks."))
    return len({part[1] for part in parts})


def _resamples(tensors: Mapping[str, Tensor], block: str) -> bool:
    """Whether a residual block follows the first one of ``block``, straight or after attention."""
    return any(name.startswith((f"{block}.1.in_layers.", f"{block}.2.in_layers.")) for name in tensors)


def _same(named: DiffusionUnetSettings, found: DiffusionUnetSettings) -> bool:
    """Whether both have the same layers."""
    factors = tuple(2**level for level in named.attention_levels)
    return replace(named, image_size=None, attention_factors=factors) == found

"""Which ReconResNet: the sizes that decide its layers, and how they are told from weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proxflow.models.networks.unet_bytes import NUMBER_BYTES

Activation = Literal["prelu", "relu"]

MOST_BLOCKS = 64
MOST_LEVELS = 4
MOST_SKIPS = 5
# Of what is counted, for convolutions copy into orders of memory of their own: of 256 x 256 pixels on a CPU a
# process grew by 1.8 times of a width of 24, and 2.3 times of 64.
COPIES = 2.5


@dataclass(frozen=True)
class ReconResNetSettings:
    """n_blocks: residual blocks at the coarsest resolution.

    width: channels at full resolution; each level below has twice as many.
    n_levels: how often the image is halved.
    activation: "prelu", one learned slope each, 0.25 at first, or "relu".
    dropout: the probability that a whole channel within a residual block is 0 while training.
    skips: 0 none, as in all released weights. Each number has those of the numbers below it: 1 adds the
        input to the output, which then is not held between 0 and 1; 2 the input of all residual blocks to
        their output; 3 the input to the stem's output; 4 the stem's output to the head's input; 5 each
        level's features on the way down to those on the way up.

    Neither dropout nor skips leave a trace in weights. Raises ValueError where no such network can be built.
    """

    n_blocks: int = 14
    width: int = 64
    n_levels: int = 2
    activation: Activation = "prelu"
    dropout: float = 0.2
    skips: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.n_blocks <= MOST_BLOCKS:
            raise ValueError(f"n_blocks must be from 0 to {MOST_BLOCKS}, got {self.n_blocks}")
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if not 1 <= self.n_levels <= MOST_LEVELS:
            raise ValueError(f"n_levels must be from 1 to {MOST_LEVELS}, got {self.n_levels}")
        if self.activation not in ("prelu", "relu"):
            raise ValueError(f"activation must be prelu or relu, got {self.activation}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        if not 0 <= self.skips <= MOST_SKIPS:
            raise ValueError(f"skips must be from 0 to {MOST_SKIPS}, got {self.skips}")

    @property
    def pixel_bytes(self) -> int:
        """What a pixel of an image takes at most on its way through, without gradients, about: the features
        below the finest level, and two of it, before and after a normalisation; and what a skip keeps."""
        arrays = 3.5 if self.skips >= 4 else 2.5
        return int(COPIES * NUMBER_BYTES * arrays * self.width)

    @property
    def side_factor(self) -> int:
        """What sides of images must be multiples of for every level to halve them."""
        return int(2**self.n_levels)

    @property
    def least_side(self) -> int:
        """Pixels along an axis: of fewer the coarsest level has one, about which nothing is reflected."""
        return max(4, self.side_factor + 1)


RELEASED = ReconResNetSettings()  # 17 266 452 parameters
# 40 869 633 parameters: the other network of the paper's experiments.
BLOCKS_34 = ReconResNetSettings(n_blocks=34, activation="relu")


def reconresnet_settings_of(tensors: Mapping[str, Tensor]) -> ReconResNetSettings:
    """The settings of the network that has these weights, dropout and skips as in the released ones.

    Whether all other names and shapes fit is for ``reconresnet_of`` to say. Raises ValueError where there is
    no stem, or the numbers make no network.
    """
    stem = tensors.get("intialConv.1.weight")
    if stem is None or stem.ndim != 4:
        got = "none" if stem is None else f"shape {tuple(stem.shape)}"
        raise ValueError(
            f"weights must be those of a ReconResNet with a tensor intialConv.1.weight, got {got}"
        )
    return ReconResNetSettings(
        n_blocks=_count(tensors, "resblocks"),
        width=stem.shape[0],
        n_levels=_count(tensors, "downsam"),
        activation="prelu" if "intialConv.3.weight" in tensors else "relu",
    )


def _count(tensors: Mapping[str, Tensor], part: str) -> int:
    """How many numbered layers have names that begin with ``part``."""
    names = (name.split(".") for name in tensors)
    return len({name[1] for name in names if name[0] == part and len(name) > 1})

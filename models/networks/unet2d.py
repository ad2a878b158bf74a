"""A plain U-Net of images, the usual baseline of learned MR reconstruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.continued_sides import continued
from proxflow.models.networks.instance_norm import InstanceNorm
from proxflow.models.networks.load_weights import load_weights
from proxflow.models.networks.unet_bytes import NUMBER_BYTES, OVERHEAD

MOST_LEVELS = 6
SLOPE = 0.2  # of LeakyReLU below 0
DARK = -3.0  # before the sigmoid


@dataclass(frozen=True)
class UNet2dSettings:
    """width: channels at full resolution, doubled n_levels times, whenever the image is halved.

    dropout: the probability that a whole channel is 0 while training; it leaves no trace in weights. Raises
    ValueError where no such network can be built.
    """

    width: int = 12  # 1.09 million parameters: about those of the ReconResNet that is trained by default
    n_levels: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if not 1 <= self.n_levels <= MOST_LEVELS:
            raise ValueError(f"n_levels must be from 1 to {MOST_LEVELS}, got {self.n_levels}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")

    @property
    def pixel_bytes(self) -> int:
        """What a pixel of an image takes at most on its way through, without gradients, about: in the last
        step up all levels, the features below, what is put together of both, and two arrays more. Of 256 x
        256 pixels on a CPU a process grew by three quarters of it."""
        arrays = 2 - 0.5**self.n_levels + 0.5 + 2 + 2
        return int(OVERHEAD * NUMBER_BYTES * arrays * self.width)

    @property
    def side_factor(self) -> int:
        """What sides of images must be multiples of for every level to halve them."""
        return int(2**self.n_levels)


class UNet2d(nn.Module):
    """Images with artefacts to images without. With C two times (conv 3 x 3, N, a, dropout of channels),
    N instance normalisation and a LeakyReLU of slope 0.2:

        down    h_0 = C x,  h_l = C mean_2x2 h_(l-1)                    w, 2 w, 4 w, ... channels
        up      g_l = C [h_l, a N transposed conv 2 x 2, stride 2, g_(l+1)]
        head    sigmoid conv 7 x 7 of g_0

    Biases in the head alone, -3 at first, so that a training begins with a dark image. SSIM, by which
    networks against artefacts are trained, is nearly the same for an image and for its negative, and blind
    to how bright an empty background is: a linear head found the negative, and one that began at 1/2 made
    half of the background white. With 1 x 1 its few weights took thousands of steps to leave 0. Sides that
    are no multiples of 2 to the number of levels are continued by reflection and cut back.

    x: float (n, 1, y, x), at least 2 pixels along each axis. Returns the same shape.
    Source: Ronneberger, Fischer & Brox, MICCAI 2015, with the normalisation, activation and pooling of
    Zbontar et al., arXiv 1811.08839, and padding, so that no pixels are lost; the head is ReconResNet's.
    """

    def __init__(self, settings: UNet2dSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or UNet2dSettings()
        widths = [self.settings.width * 2**level for level in range(self.settings.n_levels + 1)]
        drop = self.settings.dropout
        self.down = nn.ModuleList(_twice(i, o, drop) for i, o in pairwise([1, *widths]))
        deeper = list(pairwise(widths))[::-1]
        self.widen = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(i, o, 2, stride=2, bias=False), InstanceNorm(), nn.LeakyReLU(SLOPE)
            )
            for o, i in deeper
        )
        self.up = nn.ModuleList(_twice(2 * o, o, drop) for o, _ in deeper)
        self.head = nn.Conv2d(widths[0], 1, 7, padding=3)
        nn.init.constant_(cast(Tensor, self.head.bias), DARK)

    def forward(self, x: Tensor) -> Tensor:
        ny, nx = x.shape[-2:]
        h, (top, left) = continued(x, self.settings.side_factor)
        levels: list[Tensor] = []
        for level, block in enumerate(self.down):
            h = block(functional.avg_pool2d(h, 2) if level else h)
            levels.append(h)
        for widen, block, finer in zip(self.widen, self.up, reversed(levels[:-1]), strict=True):
            h = block(torch.cat([finer, widen(h)], 1))
        return torch.sigmoid(self.head(h))[..., top : top + ny, left : left + nx]


def _twice(n_in: int, n_out: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (n_in, n_out):
        layers += [nn.Conv2d(n, n_out, 3, padding=1, bias=False), InstanceNorm(), nn.LeakyReLU(SLOPE)]
        layers += [nn.Dropout2d(dropout)]
    return nn.Sequential(*layers)


def unet2d_of(tensors: Mapping[str, Tensor], settings: UNet2dSettings) -> UNet2d:
    """The network with these weights, float32, for evaluation; it shares their memory where they are float32.

    Raises ValueError where a name or a shape does not fit; no memory is taken before that is known.
    """
    with torch.device("meta"):
        network = UNet2d(settings)
    return load_weights(network, tensors, assign=True).eval()

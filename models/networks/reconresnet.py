"""ReconResNet: the residual network that removes the artefacts of undersampling from an MR image."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from proxflow.models.networks.continued_sides import continued
from proxflow.models.networks.instance_norm import InstanceNorm
from proxflow.models.networks.load_weights import load_weights
from proxflow.models.networks.reconresnet_settings import (
    RELEASED,
    Activation,
    ReconResNetSettings,
    reconresnet_settings_of,
)


class ReconResNet(nn.Module):
    """G: a magnitude with artefacts to one without, both about 0 to 1. With N instance normalisation, a the
    activation and R reflection at the borders:

        stem   a N conv 7 x 7 of R x               1 -> w
        down   a N conv 3 x 3, stride 2            w -> 2 w -> 4 w         (one for each level)
        block  h + N conv R D a N conv R h         3 x 3, 4 w -> 4 w       D: dropout of whole channels
        up     a N transposed conv 3 x 3           4 w -> 2 w -> w         stride 2
        head   sigmoid conv 7 x 7 of R h           w -> 1

    Biases everywhere. 17 266 452 parameters in the settings of the released weights, 40 869 633 with 34
    blocks and ReLU. "Residual" are the blocks: unless ``settings.skips`` says so nothing leads past them, and
    the image itself is not added to the result.

    The layers have the names of the published ones, so that weights fit by name; one of them is misspelt
    there. Sides that are no multiples of 4 (2 to the number of levels) are continued by reflection and cut
    back. Instance normalisation sees the whole image, so that parts of an image give other results.

    x: float (n, 1, y, x), at least 5 pixels along each axis. Returns the same shape.
    Raises ValueError for fewer pixels.
    Source: Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), arXiv 2103.09203.
    """

    def __init__(self, settings: ReconResNetSettings = RELEASED) -> None:
        super().__init__()
        self.settings = settings
        width, activation = settings.width, settings.activation
        widths = [width * 2**level for level in range(settings.n_levels + 1)]
        pairs = list(pairwise(widths))
        self.intialConv = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(1, width, 7), InstanceNorm(), _activation(activation)
        )
        self.downsam = nn.ModuleList(_Down(fine, coarse, activation) for fine, coarse in pairs)
        self.resblocks = nn.Sequential(
            *(_ResidualBlock(widths[-1], activation, settings.dropout) for _ in range(settings.n_blocks))
        )
        self.upsam = nn.ModuleList(_Up(coarse, fine, activation) for fine, coarse in reversed(pairs))
        self.finalconv = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, 1, 7), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        ny, nx = x.shape[-2:]
        least = self.settings.least_side
        if min(ny, nx) < least:
            raise ValueError(f"images must have at least {least} pixels along each axis, got {ny} x {nx}")
        even, (top, left) = continued(x, self.settings.side_factor)
        return self._of_even_sides(even)[..., top : top + ny, left : left + nx]

    def _of_even_sides(self, x: Tensor) -> Tensor:
        skips = self.settings.skips
        h = self.intialConv(x)
        if skips >= 3:
            h = x + h
        kept: dict[int, Tensor] = {}  # by level, for as long as it is needed
        for level, down in enumerate(self.downsam):
            if skips == 5 or (skips == 4 and level == 0):
                kept[level] = h
            h = down(h)
        h = h + self.resblocks(h) if skips >= 2 else self.resblocks(h)
        for level, up in zip(reversed(range(len(self.upsam))), self.upsam, strict=True):
            h = up(h)
            if level in kept:
                h = kept.pop(level) + h
        out: Tensor = self.finalconv(h)
        return x + out if skips >= 1 else out


class _Block(nn.Module):
    """Layers one after the other, under the published name."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_block(x)
        return out


class _Down(_Block):
    def __init__(self, n_in: int, n_out: int, activation: Activation) -> None:
        convolution = nn.Conv2d(n_in, n_out, 3, stride=2, padding=1)
        super().__init__(convolution, InstanceNorm(), _activation(activation))


class _Up(_Block):
    def __init__(self, n_in: int, n_out: int, activation: Activation) -> None:
        convolution = nn.ConvTranspose2d(n_in, n_out, 3, stride=2, padding=1, output_padding=1)
        super().__init__(convolution, InstanceNorm(), _activation(activation))


class _ResidualBlock(_Block):
    def __init__(self, n: int, activation: Activation, dropout: float) -> None:
        first = (nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), InstanceNorm(), _activation(activation))
        second = (nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), InstanceNorm())
        super().__init__(*first, nn.Dropout2d(dropout), *second)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def _activation(kind: Activation) -> nn.Module:
    return nn.PReLU() if kind == "prelu" else nn.ReLU(inplace=True)


def reconresnet_layout(settings: ReconResNetSettings = RELEASED) -> dict[str, tuple[int, ...]]:
    """Shapes by name, in the order of the network's layers; no memory is taken for weights."""
    with torch.device("meta"):
        network = ReconResNet(settings)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def reconresnet_of(tensors: Mapping[str, Tensor], settings: ReconResNetSettings | None = None) -> ReconResNet:
    """The network with these weights, float32, for evaluation; it shares their memory where they are float32.

    settings: read off the weights (``reconresnet_settings_of``) if not given. Raises ValueError where a name
    or a shape does not fit; no memory is taken before that is known.
    """
    with torch.device("meta"):
        network = ReconResNet(reconresnet_settings_of(tensors) if settings is None else settings)
    return load_weights(network, tensors, assign=True).eval()

"""NCSN++, the score network of variance-exploding diffusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.continued_sides import continued
from proxflow.models.networks.load_weights import load_weights
from proxflow.models.networks.ncsnpp_blocks import (
    ALMOST_NONE,
    SQRT2,
    AttentionBlock,
    FourierFeatures,
    PyramidStep,
    ResidualBlock,
    convolution,
    dense,
    group_norm,
)


@dataclass(frozen=True)
class NCSNppSettings:
    """channels: of the first level, a multiple of 4; multipliers: of them, one per level.

    n_blocks: residual blocks per level on the way down, one more on the way up.
    fourier_scale: std of the frequencies of ln sigma; weights bring their own.
    image_size, attention_sides: a level has attention where image_size / 2^level is one of the sides,
    whatever the size of the images it is used on.
    """

    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 2, 2)
    n_blocks: int = 4
    fourier_scale: float = 16.0
    image_size: int = 320
    attention_sides: tuple[int, ...] = (16,)

    def width(self, level: int) -> int:
        """Channels of a level."""
        return self.channels * self.multipliers[level]

    @property
    def side_factor(self) -> int:
        """What sides of images must be multiples of for every level to halve them, and at least."""
        return int(2 ** (len(self.multipliers) - 1))

    def attends(self, level: int) -> bool:
        """Whether a level has attention; the bottleneck has it anyway."""
        return self.image_size // 2**level in self.attention_sides


# Of score-MRI (knees, 320 pixels) and DiffusionMBIR (AAPM, 256): no level is 16 pixels wide in either, so
# both have attention in the bottleneck alone and one layout.
OFFICIAL = NCSNppSettings()


class NCSNpp(nn.Module):
    """s(x, sigma) = U(2 x - 1, ln sigma) / sigma, U a U-Net of residual blocks that sees x at every level.

    On the way down a pyramid p, 2 x - 1 at first, joins h: h = p = (P p + D h) / sqrt 2, D a block that
    halves, P a filtered 3 x 3 convolution that halves. Two blocks with attention between them are the
    bottleneck. On the way up each block is given what the way down had there. 61 433 473 trained parameters
    and 128 frozen frequencies in the official settings.

    ``all_modules`` holds the layers in the order of their use, which is that of the published weights.
    Source: Song et al., ICLR 2021 (arXiv 2011.13456), appendix H, as their PyTorch code has it; settings of
    Chung & Ye, Med. Image Anal. 80:102479 (2022).
    """

    def __init__(self, settings: NCSNppSettings = OFFICIAL) -> None:
        super().__init__()
        if settings.channels < 4 or settings.channels % 4:
            raise ValueError(f"channels must be a multiple of 4, got {settings.channels}")
        self.settings = settings
        self.all_modules = nn.ModuleList(_layers(settings))

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The gradient of ln p_sigma(x), p_sigma the density of noisy images.

            x = x_0 + sigma z,  z ~ N(0, I),  sigma(t) = sigma_min (sigma_max / sigma_min)^t
            E[x_0 | x] = x + sigma^2 s (Tweedie),  the noise z is estimated by -sigma s

        The published networks were trained with sigma_min = 0.01, sigma_max = 378 and t in [1e-5, 1].

        x: float (n, 1, y, x), images with values of about 0 to 1, plus noise. sigma: float (n,), above 0.
        Returns (n, 1, y, x). Sides that 2^(levels - 1) does not divide are ``continued`` to the next that it
        does, and cropped afterwards. Raises ValueError on other shapes and on sides below 2^(levels - 1).
        """
        if x.ndim != 4 or x.shape[1] != 1:
            raise ValueError(f"x must have shape (n, 1, y, x), got {tuple(x.shape)}")
        if sigma.shape != x.shape[:1]:
            raise ValueError(f"sigma must have shape ({x.shape[0]},), got {tuple(sigma.shape)}")
        step = self.settings.side_factor
        ny, nx = x.shape[2:]
        if min(ny, nx) < step:
            raise ValueError(f"x must have sides of at least {step} pixels, got {ny} x {nx}")
        whole, (top, left) = continued(x, step)
        score: Tensor = self(whole, sigma)
        return score[..., top : top + ny, left : left + nx]

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """``score`` for sides that 2^(levels - 1) divides."""
        layers = iter(self.all_modules)
        embedding = next(layers)(sigma.log())
        embedding = next(layers)(embedding)
        embedding = functional.silu(next(layers)(functional.silu(embedding)))
        features = self._down(layers, 2 * x - 1, embedding)
        h = next(layers)(features[-1], embedding)
        h = next(layers)(h)
        h = next(layers)(h, embedding)
        h = self._up(layers, h, features, embedding)
        h = functional.silu(next(layers)(h))
        out: Tensor = next(layers)(h)
        return out / sigma[:, None, None, None]

    def _down(self, layers: Iterator[nn.Module], pyramid: Tensor, embedding: Tensor) -> list[Tensor]:
        """What every layer but those of attention gave, the first convolution's first."""
        features = [next(layers)(pyramid)]
        last = len(self.settings.multipliers) - 1
        for level in range(last + 1):
            for _ in range(self.settings.n_blocks):
                h = next(layers)(features[-1], embedding)
                features.append(next(layers)(h) if self.settings.attends(level) else h)
            if level < last:
                h = next(layers)(features[-1], embedding)
                pyramid = (next(layers)(pyramid) + h) / SQRT2
                features.append(pyramid)
        return features

    def _up(
        self, layers: Iterator[nn.Module], h: Tensor, features: list[Tensor], embedding: Tensor
    ) -> Tensor:
        for level in reversed(range(len(self.settings.multipliers))):
            for _ in range(self.settings.n_blocks + 1):
                h = next(layers)(torch.cat([h, features.pop()], dim=1), embedding)
            if self.settings.attends(level):
                h = next(layers)(h)
            if level > 0:
                h = next(layers)(h, embedding)
        return h


def ncsnpp_layout(settings: NCSNppSettings = OFFICIAL) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by name, in the order of ``parameters()``; no memory is taken for them."""
    with torch.device("meta"):
        network = NCSNpp(settings)
    return {name: tuple(tensor.shape) for name, tensor in network.named_parameters()}


def ncsnpp_of(tensors: Mapping[str, Tensor], settings: NCSNppSettings = OFFICIAL) -> NCSNpp:
    """The network with these weights, float32, for evaluation. Raises ValueError where they do not fit."""
    return load_weights(NCSNpp(settings), tensors).eval()


def _layers(settings: NCSNppSettings) -> Iterator[nn.Module]:
    """All layers in the order of their use."""
    n, n_embedding = settings.channels, 4 * settings.channels
    yield FourierFeatures(n, settings.fourier_scale)
    yield dense(2 * n, n_embedding)
    yield dense(n_embedding, n_embedding)
    yield convolution(1, n, 3)
    widths = [n]  # of what _down returns
    n_pyramid, last = 1, len(settings.multipliers) - 1
    for level in range(last + 1):
        for _ in range(settings.n_blocks):
            n, before = settings.width(level), n
            yield ResidualBlock(before, n, n_embedding)
            if settings.attends(level):
                yield AttentionBlock(n)
            widths.append(n)
        if level < last:
            yield ResidualBlock(n, n, n_embedding, "down")
            yield PyramidStep(n_pyramid, n)
            n_pyramid = n
            widths.append(n)
    yield ResidualBlock(n, n, n_embedding)
    yield AttentionBlock(n)
    yield ResidualBlock(n, n, n_embedding)
    for level in reversed(range(last + 1)):
        for _ in range(settings.n_blocks + 1):
            n, before = settings.width(level), n
            yield ResidualBlock(before + widths.pop(), n, n_embedding)
        if settings.attends(level):
            yield AttentionBlock(n)
        if level > 0:
            yield ResidualBlock(n, n, n_embedding, "up")
    yield group_norm(n)
    yield convolution(n, 1, 3, ALMOST_NONE)

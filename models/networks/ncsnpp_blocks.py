"""The blocks of NCSN++, under the names that its published weights have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.fir_resampling import FirConv, fir_down, fir_up

ALMOST_NONE = 1e-5  # gain of layers that start at nothing: the square root of the authors' 1e-10
SQRT2 = math.sqrt(2)

RESAMPLING: dict[str, Callable[[Tensor], Tensor]] = {"up": fir_up, "down": fir_down}


class FourierFeatures(nn.Module):
    """(sin 2 pi w_k u, cos 2 pi w_k u) of u = ln sigma, with frequencies w that are drawn once.

    W: float (n,), N(0, scale^2), not trained. u: float (batch,). Returns (batch, 2 n), sines first.
    Source: Tancik et al., NeurIPS 2020; Song et al., ICLR 2021, appendix C.
    """

    def __init__(self, n: int, scale: float) -> None:
        super().__init__()
        self.W = nn.Parameter(scale * torch.randn(n), requires_grad=False)

    def forward(self, u: Tensor) -> Tensor:
        phase = u[:, None] * self.W * (2 * math.pi)
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class PixelwiseLinear(nn.Module):
    """A linear map of the channels at every place. W: (n_in, n_out), b: (n_out,).

    x: float (n, places, n_in). Returns (n, places, n_out).
    """

    def __init__(self, n_in: int, n_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_in, n_out))
        self.b = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.W, gain)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.W + self.b


class AttentionBlock(nn.Module):
    """(x + V softmax(Q K^T / sqrt(c))) / sqrt 2 over all pixels, one head, after a group norm.

    NIN_0 to NIN_2 make queries, keys and values, NIN_3 is the output's. x: float (n, c, y, x), shape kept.
    Source: Ho et al., NeurIPS 2020, with Song et al.'s scaled skip connection.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.GroupNorm_0 = group_norm(n)
        self.NIN_0, self.NIN_1, self.NIN_2 = (PixelwiseLinear(n, n) for _ in range(3))
        self.NIN_3 = PixelwiseLinear(n, n, ALMOST_NONE)

    def forward(self, x: Tensor) -> Tensor:
        pixels = self.GroupNorm_0(x).flatten(2).transpose(1, 2)
        queries, keys, values = self.NIN_0(pixels), self.NIN_1(pixels), self.NIN_2(pixels)
        seen = self.NIN_3(functional.scaled_dot_product_attention(queries, keys, values))
        return (x + seen.transpose(1, 2).reshape(x.shape)) / SQRT2


class ResidualBlock(nn.Module):
    """BigGAN's residual block: both of its paths are resampled, and their sum is divided by sqrt 2.

        h = Conv_0(R(silu(GroupNorm_0(x)))) + Dense_0(e)
        y = (S(R(x)) + Conv_1(silu(GroupNorm_1(h)))) / sqrt 2

    R doubles (``up``), halves (``down``) or keeps the pixels; S is the 1 x 1 convolution Conv_2 where pixels
    or channels change, else the identity. The published training drops nothing out, so there is no dropout.

    x: float (n, n_in, y, x). e: float (n, n_embedding), of the noise level, past its activation.
    Source: Brock et al., ICLR 2019; Song et al., ICLR 2021, appendix H.
    """

    def __init__(
        self, n_in: int, n_out: int, n_embedding: int, resample: Literal["up", "down"] | None = None
    ) -> None:
        super().__init__()
        self.resample = resample
        self.GroupNorm_0 = group_norm(n_in)
        self.Conv_0 = convolution(n_in, n_out, 3)
        self.Dense_0 = dense(n_embedding, n_out)
        self.GroupNorm_1 = group_norm(n_out)
        self.Conv_1 = convolution(n_out, n_out, 3, ALMOST_NONE)
        self.Conv_2 = convolution(n_in, n_out, 1) if resample or n_in != n_out else None

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h = functional.silu(self.GroupNorm_0(x))
        if self.resample:
            x, h = RESAMPLING[self.resample](x), RESAMPLING[self.resample](h)
        h = self.Conv_0(h) + self.Dense_0(e)[:, :, None, None]
        h = self.Conv_1(functional.silu(self.GroupNorm_1(h)))
        return ((x if self.Conv_2 is None else self.Conv_2(x)) + h) / SQRT2


class PyramidStep(nn.Module):
    """One step of the input's own pyramid: ``FirConv`` to the channels of the level below."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.Conv2d_0 = FirConv(n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        halved: Tensor = self.Conv2d_0(x)
        return halved


def group_norm(n: int) -> nn.GroupNorm:
    """Groups of four channels, 32 at most."""
    return nn.GroupNorm(min(n // 4, 32), n, eps=1e-6)


def convolution(n_in: int, n_out: int, size: int, gain: float = 1.0) -> nn.Module:
    """Keeps the sides, zeros outside; starts as Glorot's times ``gain``, with no bias."""
    return _started(nn.Conv2d(n_in, n_out, size, padding=size // 2), gain)


def dense(n_in: int, n_out: int) -> nn.Module:
    """Starts as Glorot's, with no bias."""
    return _started(nn.Linear(n_in, n_out), 1.0)


def _started(layer: nn.Module, gain: float) -> nn.Module:
    for weight in layer.parameters():
        if weight.ndim > 1:
            nn.init.xavier_uniform_(weight, gain)
        else:
            nn.init.zeros_(weight)
    return layer

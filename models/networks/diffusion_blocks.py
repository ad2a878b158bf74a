"""Parts of the U-Net of diffusion models: time embedding, group norm, residual block, attention."""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.diffusion_settings import GROUPS

LONGEST_PERIOD = 10_000.0
Resampling = Literal["none", "down", "up"]
C = TypeVar("C", bound=nn.Module)


def time_embedding(t: Tensor, n: int) -> Tensor:
    """[cos(t f_0), ..., cos(t f_{n/2-1}), sin(t f_0), ...] with f_k = 10000^(-k / (n/2)), n even.

    t: (batch,), any real dtype. Returns (batch, n), float32 or wider; cosines come first, other than in
    Vaswani et al., Attention is all you need (2017).
    """
    wide = t.to(_wide(t.dtype)) if t.is_floating_point() else t.float()
    k = torch.arange(n // 2, device=t.device, dtype=wide.dtype)
    angles = wide[:, None] * torch.exp(k * (-math.log(LONGEST_PERIOD) / (n // 2)))
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class WideGroupNorm(nn.GroupNorm):
    """Group norm of 32 groups, computed in float32 or wider and returned in the dtype of x."""

    def __init__(self, n_channels: int) -> None:
        super().__init__(GROUPS, n_channels)

    def forward(self, x: Tensor) -> Tensor:
        wide = _wide(x.dtype)
        weight, bias = self.weight.to(wide), self.bias.to(wide)
        return functional.group_norm(x.to(wide), GROUPS, weight, bias, self.eps).to(x.dtype)


class ResBlock(nn.Module):
    """A residual block that is told the time by scale and shift; it may halve or double both sides.

        h = conv(R(SiLU(GN(x))))                 3 x 3, n_in -> n_out
        s, b = Linear(SiLU(e))                   n_time -> 2 n_out
        out = S(R(x)) + conv0(SiLU(GN(h) (1 + s) + b))

    R: nothing, the mean of 2 x 2 pixels, or each pixel repeated 2 x 2; no convolution is in it. S: the
    identity, or a 1 x 1 convolution where n_in and n_out differ. conv0: 3 x 3, zero at first, so that the
    block starts as S(R(x)).

    x: float (n, n_in, y, x), sides even for ``down``. e: float (n, n_time). Returns (n, n_out, y', x').
    Source: Dhariwal & Nichol, Diffusion models beat GANs on image synthesis, NeurIPS (2021), app. A.
    """

    def __init__(self, n_in: int, n_out: int, n_time: int, resampling: Resampling = "none") -> None:
        super().__init__()
        self.resampling = resampling
        first = nn.Conv2d(n_in, n_out, kernel_size=3, padding=1)
        last = zeroed(nn.Conv2d(n_out, n_out, kernel_size=3, padding=1))
        self.in_layers = nn.Sequential(WideGroupNorm(n_in), nn.SiLU(), first)
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(n_time, 2 * n_out))
        # The identity stands where the published networks have a dropout of 0, which their names count.
        self.out_layers = nn.Sequential(WideGroupNorm(n_out), nn.SiLU(), nn.Identity(), last)
        self.skip_connection = nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, kernel_size=1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        norm, activation, first = self.in_layers
        h = first(self._resampled(activation(norm(x))))
        scale, shift = self.emb_layers(embedding)[:, :, None, None].chunk(2, dim=1)
        norm, *rest = self.out_layers
        h = norm(h) * (1 + scale) + shift
        for layer in rest:
            h = layer(h)
        out: Tensor = self.skip_connection(self._resampled(x)) + h
        return out

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resampling == "down":
            return functional.avg_pool2d(x, 2)
        if self.resampling == "up":
            return functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return x


class AttentionBlock(nn.Module):
    """Self-attention over all pixels, with a residual connection; pixels have no positions.

        out = x + P [softmax_s(<q_t, k_s> / sqrt(c)) v_s]  of every head,   (q, k, v) = Q GN(x)

    c: ``head_channels``. q and k are each divided by c^(1/4) before the product, which keeps it in the range
    of half precision; the softmax is in float32 or wider. Channels of Q's result lie head by head, of each
    head q, k and v ("legacy order"), not q of all heads first. P is zero at first.

    x: float (n, n_channels, y, x); n_channels a multiple of ``head_channels``. Returns the same shape.
    Memory: n n_channels / c (y x)^2 numbers.
    Source: Dhariwal & Nichol, NeurIPS (2021), sec. 3.
    """

    def __init__(self, n_channels: int, head_channels: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        self.norm = WideGroupNorm(n_channels)
        self.qkv = nn.Conv1d(n_channels, 3 * n_channels, kernel_size=1)
        self.proj_out = zeroed(nn.Conv1d(n_channels, n_channels, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        pixels = self.norm(x).flatten(2)
        by_head = self.qkv(pixels).reshape(-1, 3 * self.head_channels, pixels.shape[-1])
        q, k, v = by_head.split(self.head_channels, dim=1)
        root = self.head_channels**-0.25
        products = torch.einsum("nct,ncs->nts", q * root, k * root)
        weights = products.to(_wide(products.dtype)).softmax(dim=-1).to(products.dtype)
        mixed = torch.einsum("nts,ncs->nct", weights, v).reshape(pixels.shape)
        projected: Tensor = self.proj_out(mixed)
        return x + projected.reshape(x.shape)


def zeroed(layer: C) -> C:
    """The layer with weights and biases of zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)

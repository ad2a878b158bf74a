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
    """Group norm of 32 groups, computed in float32 or wider and returned in the dtype of x: GN(x), or with
    ``told`` = (s, b), each (n, n_channels), GN(x) (1 + s) + b.

    Returns a new tensor. Of one image s and b join the weights of the norm, which spares a pass over it.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__(GROUPS, n_channels)

    def forward(self, x: Tensor, told: tuple[Tensor, Tensor] | None = None) -> Tensor:
        wide = _wide(x.dtype)
        weight, bias = self.weight.to(wide), self.bias.to(wide)
        if told is None:
            return functional.group_norm(x.to(wide), GROUPS, weight, bias, self.eps).to(x.dtype)
        gain = 1 + told[0].to(wide)
        weights, biases = weight * gain, torch.addcmul(told[1].to(wide), bias, gain)
        if len(x) == 1:
            return functional.group_norm(x.to(wide), GROUPS, weights[0], biases[0], self.eps).to(x.dtype)
        normed = functional.group_norm(x.to(wide), GROUPS, eps=self.eps)
        return torch.addcmul(biases[:, :, None, None], normed, weights[:, :, None, None]).to(x.dtype)


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
        norm, _, first = self.in_layers
        h = first(self._resampled(activated(norm(x))))
        norm, _, _, last = self.out_layers
        h = last(activated(norm(h, self.emb_layers(embedding).chunk(2, dim=1))))
        return _sum(h, self.skip_connection(self._resampled(x)))

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resampling == "down":
            return functional.avg_pool2d(x, 2)
        if self.resampling == "up":
            return functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return x


class AttentionBlock(nn.Module):
    """Self-attention over all pixels, with a residual connection; pixels have no positions.

        out = x + P [softmax_s(<q_t, k_s> / sqrt(c)) v_s]  of every head,   (q, k, v) = Q GN(x)

    c: ``head_channels``. Sums and the softmax are float32 or wider inside. Channels of Q's result lie head by
    head, of each head q, k and v ("legacy order"), not q of all heads first. P is zero at first.

    x: float (n, n_channels, y, x); n_channels a multiple of ``head_channels``. Returns the same shape.
    Memory: as x; the softmax is taken block by block of pixels.
    Source: Dhariwal & Nichol, NeurIPS (2021), sec. 3.
    """

    def __init__(self, n_channels: int, head_channels: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        self.norm = WideGroupNorm(n_channels)
        self.qkv = nn.Conv1d(n_channels, 3 * n_channels, kernel_size=1)
        self.proj_out = zeroed(nn.Conv1d(n_channels, n_channels, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        pixels = (
            self.norm(x).flatten(2).transpose(1, 2)
        )  # (n, pixel, channel): a view where channels are last
        by_head = _applied(self.qkv, pixels).unflatten(2, (-1, 3, self.head_channels))
        q, k, v = by_head.permute(3, 0, 2, 1, 4)  # each (n, head, pixel, channel)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        projected = _applied(self.proj_out, mixed).transpose(1, 2)
        return x + projected.unflatten(2, x.shape[2:])


def activated(x: Tensor) -> Tensor:
    """SiLU(x), in the memory of x unless its gradient is asked for."""
    return functional.silu(x, inplace=not x.requires_grad)


def zeroed(layer: C) -> C:
    """The layer with weights and biases of zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def _applied(convolution: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution over single pixels, of x (n, pixel, channel)."""
    return functional.linear(x, convolution.weight[:, :, 0], convolution.bias)


def _sum(new: Tensor, x: Tensor) -> Tensor:
    """new + x, in the memory of ``new``, which nothing else reads, if that has the dtype for it."""
    return new.add_(x) if torch.promote_types(new.dtype, x.dtype) == new.dtype else new + x


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)

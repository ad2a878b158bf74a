"""The U-Net of guided diffusion, which tells the noise in an image."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from proxflow.models.networks.continued_sides import continued
from proxflow.models.networks.diffusion_blocks import (
    AttentionBlock,
    ResBlock,
    WideGroupNorm,
    activated,
    time_embedding,
    zeroed,
)
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings, diffusion_settings_of
from proxflow.models.networks.load_weights import load_weights


class DiffusionUnet(nn.Module):
    """epsilon(x_t, t), or v(x_t, t), of a variance-preserving diffusion,
    x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) epsilon.

        e = Linear(SiLU(Linear(time_embedding(t))))
        down: conv 3 x 3, then for every level n_res_blocks x ResBlock, [Attention]; between levels a ResBlock
              that halves the sides
        middle: ResBlock, Attention, ResBlock
        up: for every level n_res_blocks + 1 x ResBlock of [h, what the way down had there], [Attention]; the
            last one of a level is followed by a ResBlock that doubles the sides
        out: conv0(SiLU(GN(h)))

    Names and shapes of parameters are those of guided-diffusion's ``UNetModel`` with ``resblock_updown``,
    ``use_scale_shift_norm``, the legacy order of attention and no classes, so that state dicts of DDS fit.
    A new network returns zeros.

    Sides that are no multiple of 2^(levels - 1) are ``continued`` at both ends by reflection, and what comes
    out is cropped.

    x: real (n, in_channels, y, x), any sides, in the unit of the training images. t: (n,), the integer index
    0 to 999 of the noise level as a number, not scaled. Returns (n, out_channels, y, x) in x's dtype: what
    ``settings.predicts``, then, if learned, what tells the variance. Convolutions may run in bfloat16 under
    autocast and channels last; norms and softmax stay in float32.
    Raises ValueError where x or t has another shape.
    Source: Dhariwal & Nichol, Diffusion models beat GANs on image synthesis, NeurIPS (2021), as Chung, Lee &
    Ye, Decomposed diffusion sampler, ICLR (2024) use it.
    """

    def __init__(self, settings: DiffusionUnetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.n_time = 4 * settings.width
        first = settings.channels[0]
        self.time_embed = nn.Sequential(
            nn.Linear(settings.width, self.n_time), nn.SiLU(), nn.Linear(self.n_time, self.n_time)
        )
        to_features = nn.Conv2d(settings.in_channels, first, kernel_size=3, padding=1)
        self.input_blocks = nn.ModuleList([nn.ModuleList([to_features])])
        kept = self._add_input_blocks()
        last = settings.channels[-1]
        self.middle_block = nn.ModuleList(
            [ResBlock(last, last, self.n_time), self._attention(last), ResBlock(last, last, self.n_time)]
        )
        self.output_blocks = nn.ModuleList()
        self._add_output_blocks(kept)
        from_features = zeroed(nn.Conv2d(first, settings.out_channels, kernel_size=3, padding=1))
        self.out = nn.Sequential(WideGroupNorm(first), nn.SiLU(), from_features)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.settings.in_channels or 0 in x.shape[2:]:
            raise ValueError(f"x must be (n, {self.settings.in_channels}, y, x), got {tuple(x.shape)}")
        if t.shape != x.shape[:1]:
            raise ValueError(f"t must have shape {tuple(x.shape[:1])}, got {tuple(t.shape)}")
        h, (top, left) = continued(x, self.settings.side_factor)
        sinusoids = time_embedding(t, self.settings.width)
        embedding = self.time_embed(sinusoids.to(next(self.time_embed.parameters()).dtype))
        kept = []
        for block in self.input_blocks:
            h = _through(block, h, embedding)
            kept.append(h)
        h = _through(self.middle_block, h, embedding)
        for block in self.output_blocks:
            h = _through(block, torch.cat([h, kept.pop()], dim=1), embedding)
        norm, _, from_features = self.out
        out: Tensor = from_features(activated(norm(h)))
        return out[..., top : top + x.shape[-2], left : left + x.shape[-1]].to(x.dtype)

    def predict(self, x: Tensor, t: Tensor) -> Tensor:
        """What ``settings.predicts``, (n, in_channels, y, x), without a variance; else as ``forward``."""
        out: Tensor = self(x, t)
        return out[:, : self.settings.in_channels]

    def _add_input_blocks(self) -> list[int]:
        """Append every level's blocks; the channels that each block leaves."""
        settings = self.settings
        channels = settings.channels[0]
        kept = [channels]
        for level, n_out in enumerate(settings.channels):
            if level > 0:
                self.input_blocks.append(nn.ModuleList([ResBlock(channels, channels, self.n_time, "down")]))
                kept.append(channels)
            for _ in range(settings.n_res_blocks):
                self.input_blocks.append(self._block(channels, n_out, level))
                channels = n_out
                kept.append(channels)
        return kept

    def _add_output_blocks(self, kept: list[int]) -> None:
        settings = self.settings
        channels = settings.channels[-1]
        for level, n_out in reversed(list(enumerate(settings.channels))):
            for i in range(settings.n_res_blocks + 1):
                block = self._block(channels + kept.pop(), n_out, level)
                channels = n_out
                if level > 0 and i == settings.n_res_blocks:
                    block.append(ResBlock(channels, channels, self.n_time, "up"))
                self.output_blocks.append(block)

    def _block(self, n_in: int, n_out: int, level: int) -> nn.ModuleList:
        layers: list[nn.Module] = [ResBlock(n_in, n_out, self.n_time)]
        if level in self.settings.attention_levels:
            layers.append(self._attention(n_out))
        return nn.ModuleList(layers)

    def _attention(self, n_channels: int) -> AttentionBlock:
        return AttentionBlock(n_channels, self.settings.head_channels)


def diffusion_unet_of(
    tensors: Mapping[str, Tensor], settings: DiffusionUnetSettings | None = None
) -> DiffusionUnet:
    """The network with these weights, float32, for evaluation; it shares their memory where they are float32.

    settings: read off the weights (``diffusion_settings_of``) if not given. Raises ValueError where a name or
    a shape does not fit; no memory is taken before that is known.
    """
    with torch.device("meta"):
        network = DiffusionUnet(settings or diffusion_settings_of(tensors))
    return load_weights(network, tensors, assign=True).eval()


def _through(layers: nn.Module, h: Tensor, embedding: Tensor) -> Tensor:
    for layer in layers.children():
        h = layer(h, embedding) if isinstance(layer, ResBlock) else layer(h)
    return h

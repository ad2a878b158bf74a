"""Diffusion priors that are networks: channels for complex images, precision, order of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.unet_bytes import unet_image_bytes
from proxflow.models.networks.unet_gradient_bytes import unet_gradient_bytes

if TYPE_CHECKING:
    from proxflow.models.networks.diffusion_unet import DiffusionUnet
    from proxflow.models.networks.ncsnpp import NCSNpp


class VpNetworkPrior:
    """eps by a ``DiffusionUnet``: of real images, or of complex ones as two channels, their parts.

        eps = signal v + noise x      of a network that predicts v = signal eps - noise x_0

    A network of one channel sees the parts of complex images one by one.

    Args:
        mixed: convolutions in bfloat16.
    """

    def __init__(self, network: DiffusionUnet, *, mixed: bool = False) -> None:
        self.network = channels_last(network.eval())
        self.mixed = mixed

    @torch.no_grad()
    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        return self.traced(x, level)

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """The same with a graph, for gradients: see ``DifferentiablePrior``."""
        n_channels = self.network.settings.in_channels
        channels = as_channels(x, n_channels)
        times = torch.full((len(channels),), level.time, device=x.device)
        ordered = channels.float().contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed):
            found = self.network.predict(ordered, times).float()
        if self.network.settings.predicts == "velocity":
            found = level.signal * found + level.noise * ordered
        return from_channels(found, x)

    def image_bytes(self, image: Tensor, *, gradient: bool = False) -> int:
        """What one image (..., y, x) like this takes on its way through the network, at most; and back, with
        ``gradient``, through weights that ask for none of their own."""
        settings = self.network.settings
        pixels = padded_pixels(image, settings.side_factor)
        n_blocks, levels = settings.n_res_blocks, range(len(settings.channels))
        if gradient:
            both_ways = [(2 * n_blocks + 1) * (level in settings.attention_levels) for level in levels]
            both_ways[-1] += 1
            each = unet_gradient_bytes(settings.channels, n_blocks, pixels, both_ways)
        else:
            each = unet_image_bytes(settings.channels, n_blocks, pixels, in_place=True)
        return each * (2 if image.is_complex() and settings.in_channels == 1 else 1)


class VeNetworkPrior:
    """eps = -sigma s(x, sigma) by a score network of one channel; parts of complex images one by one."""

    def __init__(self, network: NCSNpp) -> None:
        self.network = network.eval()

    @torch.no_grad()
    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        return self.traced(x, level)

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """The same with a graph, for gradients: see ``DifferentiablePrior``."""
        channels = as_channels(x, 1).float()
        sigmas = torch.full((len(channels),), level.noise, device=x.device)
        return from_channels(-level.noise * self.network.score(channels, sigmas), x)

    def image_bytes(self, image: Tensor, *, gradient: bool = False) -> int:
        """As of ``VpNetworkPrior``."""
        settings = self.network.settings
        levels = range(len(settings.multipliers))
        widths = [settings.width(level) for level in levels]
        pixels = padded_pixels(image, settings.side_factor)
        if gradient:
            layers = [(settings.n_blocks + 1) * settings.attends(level) for level in levels]
            layers[-1] += 1
            each = unet_gradient_bytes(widths, settings.n_blocks, pixels, layers, heads_apart=True)
        else:
            heads = [int(settings.attends(level) or level == levels[-1]) for level in levels]
            each = unet_image_bytes(widths, settings.n_blocks, pixels, heads)
        return each * (2 if image.is_complex() else 1)


def padded_pixels(image: Tensor, side_factor: int) -> int:
    """Of one image (..., y, x) whose sides are continued to multiples of ``side_factor``."""
    ny, nx = (side + -side % side_factor for side in image.shape[-2:])
    return ny * nx


def as_channels(x: Tensor, n_channels: int) -> Tensor:
    """(n, y, x), real or complex, as (m, n_channels, y, x): two channels hold real and imaginary part, one
    first all real, then all imaginary parts. Raises ValueError for real images and two channels.
    """
    if not x.is_complex():
        if n_channels != 1:
            raise ValueError(f"the prior must be of 1 channel for real images, got {n_channels}")
        return x[:, None]
    parts = torch.view_as_real(x).movedim(-1, 1)
    if n_channels == 2:
        return parts
    return parts.transpose(0, 1).reshape(-1, 1, *x.shape[1:])


def from_channels(channels: Tensor, like: Tensor) -> Tensor:
    """``as_channels`` undone, in the dtype of ``like``."""
    if not like.is_complex():
        return channels[:, 0].to(like.dtype)
    real, imag = channels.unbind(1) if channels.shape[1] == 2 else channels[:, 0].chunk(2)
    dtype = like.real.dtype
    return torch.complex(real.to(dtype), imag.to(dtype))

"""What a network makes of a zero-filled image, at the scale of the data: what ReconResNet begins with."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from proxflow.models.calibration.low_phase import low_phase
from proxflow.models.denoisers.network import PIXEL_BYTES, NetworkDenoiser
from proxflow.models.methods.spoke_weights import spoke_weights
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.unet2d import UNet2d
from proxflow.models.solvers.inner_product import inner, over_image, ratio, squared_norm
from proxflow.operators.base import LinearOperator
from proxflow.operators.density_compensation import pipe_menon_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense

Phase = Literal["low", "adjoint", "none"]
Unit = Literal["item", "volume", "volume_minmax"]


class Guess(NamedTuple):
    """weighted: W^(1/2) A.  b: A^H W y, what the network saw the magnitude of.  image: x_G / c. Complex."""

    weighted: LinearOperator
    b: Tensor
    image: Tensor


def network_guess(
    operator: LinearOperator,
    y: Tensor,
    *,
    network: nn.Module,
    phase: Phase | Tensor = "low",
    unit: Unit = "item",
    memory_bytes: int | None = None,
) -> Guess:
    """One pass of the network:

        b   = A^H W y,   x_G = max(net(|b| / max |b|), 0) p,   c = Re <W y, A x_G> / <W y, y>

    Arguments and what is raised are those of ``reconresnet``.
    """
    if len(operator.domain_shape) != 2:
        got = " x ".join(map(str, operator.domain_shape))
        raise UnsuitableError(f"image must have two axes (y, x), got {got}")
    weighted, samples = weighted_samples(operator, y)
    b = weighted.adjoint(samples)
    magnitude = _through(network, b.abs(), unit, memory_bytes)
    image = magnitude * _phase(b, phase)
    if operator.support is not None:
        image = image * operator.support
    scale = ratio(squared_norm(samples, len(operator.range_shape)), inner(b, image, 2).clamp_min(0))
    return Guess(weighted, b, over_image(scale, image) * image)


def weighted_samples(operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
    """W^(1/2) A and W^(1/2) y of a trajectory without weights; anything else as it is."""
    if not isinstance(operator, NonCartesianSense) or operator.weights is not None:
        return operator, y
    try:
        weights = spoke_weights(operator)
    except UnsuitableError:  # spirals, or spokes cut off by a smaller matrix
        weights = pipe_menon_density(operator.trajectory, operator.coil_maps.shape[1:])
    return operator.weighted(weights), weights.sqrt().to(y.device, y.real.dtype) * y


def _through(network: nn.Module, magnitude: Tensor, unit: Unit, memory_bytes: int | None) -> Tensor:
    """What the network makes of magnitudes (*batch, y, x), in its own unit, at least 0."""
    lowest = magnitude.min() if unit == "volume_minmax" else magnitude.new_zeros(())
    peak = magnitude.amax((-2, -1), keepdim=True) if unit == "item" else magnitude.max()
    seen = ratio(magnitude - lowest, (peak - lowest).expand_as(magnitude))
    images = seen.reshape(-1, *seen.shape[-2:])
    try:
        through = NetworkDenoiser(network, memory_bytes=memory_bytes, pixel_bytes=_pixel_bytes(network))
        found = through(images)
    except ValueError as error:  # too few pixels for its levels
        raise UnsuitableError(str(error)) from None
    return found.clamp_min(0).reshape(magnitude.shape)


def _pixel_bytes(network: nn.Module) -> int:
    """As ReconResNet and its U-Net tell it; of other networks that of a ``DnCNN``."""
    return network.settings.pixel_bytes if isinstance(network, ReconResNet | UNet2d) else PIXEL_BYTES


def _phase(b: Tensor, phase: Phase | Tensor) -> Tensor:
    if isinstance(phase, Tensor):
        return phase
    if phase == "low":
        return low_phase(b)
    if phase == "adjoint":
        return torch.polar(torch.ones_like(b.real), b.angle())
    if phase == "none":
        return torch.ones_like(b)
    raise ValueError(f"phase must be low, adjoint, none or a tensor, got {phase}")

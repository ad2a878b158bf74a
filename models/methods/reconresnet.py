"""ReconResNet: one pass of a network over the zero-filled image, then the measured samples put back."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from proxflow.models.calibration.low_phase import low_phase
from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.reconresnet_published import full_set_gridding, magnitude_part, real_part
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.spoke_weights import spoke_weights
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.inner_product import inner, over_image, ratio, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.models.solvers.nearest_fit import nearest_fit
from proxflow.operators.base import LinearOperator
from proxflow.operators.density_compensation import pipe_menon_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense

Consistency = Literal[
    "exact",
    "none",
    "published_real",
    "published_magnitude",
    "published_spokes",
    "published_spokes_off_centre",
]
Phase = Literal["low", "adjoint", "none"]
Unit = Literal["item", "volume", "volume_minmax"]
USUAL_MU = (
    0.1  # with less a measured brain's withheld samples were predicted worse, with coils compressed to 3
)


def reconresnet(
    operator: LinearOperator,
    y: Tensor,
    *,
    network: nn.Module,
    consistency: Consistency = "exact",
    mu: float | None = 0.0,
    n_cg: int = 30,
    phase: Phase | Tensor = "low",
    unit: Unit = "item",
    memory_bytes: int | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """The magnitude of the zero-filled image through the network, at the data's scale, made to fit the data:

        b   = A^H W y                        W: of spokes ``radial_density``, of other
                                                  trajectories ``pipe_menon_density``, else 1
        x_G = max(net(|b| / max |b|), 0) p                p: the phase
        c   = Re <W y, A x_G> / <W y, y>                  the network's unit in that of the data
        x   = argmin ||A z - y||_W^2 + mu ||z - x_G / c||^2

    c y is nearest to A x_G, of measured data alone; the published code takes the unit from the true image.
    Where c would not be positive, as of data of zeros, x_G / c is 0. What A does not see
    (``operator.support``; coil maps of 0) is 0 in x_G: no sample corrects what the network puts there.

    Args:
        operator: complex, of images (y, x): one coil or many, Cartesian, or along a trajectory.
        network: of (n, 1, y, x), such as ``ReconResNet``; it is put into evaluation mode, float32.
        consistency: "exact": as above, by ``nearest_fit``; "none": x_G / c; the others are the published ones
            of one coil (``reconresnet_published``), for comparison: "published_real" and
            "published_magnitude", parts of the exact image on a Cartesian grid, "published_spokes" of a full
            set of golden angles, "published_spokes_off_centre" with the weights as published.
        mu: >= 0. With 0 and one Cartesian coil all samples are kept to rounding. Many coils, spokes, noise:
            ``n_cg`` steps decide how near, or a mu of about the noise's variance over that of x_G's error.
            None: 0 for one Cartesian coil, and where the consistency is not "exact"; ``USUAL_MU`` otherwise.
        phase: "low": of the lowest frequencies of b (``low_phase``); "adjoint": of b itself, artefacts
            included; "none": 1, for real images, as published; or exp(i phi), complex (*batch, *domain).
        unit: what the magnitude is divided by: its maximum over the "item", or over the whole "volume" y, as
            published; "volume_minmax" takes the minimum away first, as the older published code.
        memory_bytes: images go through the network in batches that take no more; see ``NetworkDenoiser``.

    y: complex (*batch, *range). image: complex (*batch, *domain). Reported as one iteration.
    Raises UnsuitableError for volumes, images too small for the network, and for published forms and
    measurements that do not fit; ValueError for unknown options, mu < 0, and mu > 0
    where the consistency is not "exact" and has no use for it; DivergenceError on NaN.
    Source: Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), arXiv 2103.09203.
    """
    if mu is None:
        mu = USUAL_MU if consistency == "exact" and not _one_coil_on_a_grid(operator) else 0.0
    _check_options(consistency, mu, unit)
    if len(operator.domain_shape) != 2:
        got = " x ".join(map(str, operator.domain_shape))
        raise UnsuitableError(f"image must have two axes (y, x), got {got}")
    weighted, samples = weighted_samples(operator, y)
    b = weighted.adjoint(samples)
    magnitude = _through(network, b.abs(), unit, memory_bytes)
    guess = magnitude * _phase(b, phase)
    if operator.support is not None:
        guess = guess * operator.support
    scale = ratio(squared_norm(samples, len(operator.range_shape)), inner(b, guess, 2).clamp_min(0))
    guess = over_image(scale, guess) * guess
    image = _consistent(operator, y, weighted, b, guess, consistency, mu, n_cg)
    return one_step(operator, y, image, monitor=monitor, resume=resume)


def _check_options(consistency: str, mu: float, unit: str) -> None:
    for name, given, kind in (("consistency", consistency, Consistency), ("unit", unit, Unit)):
        if given not in get_args(kind):
            raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {given}")
    if not mu >= 0:
        raise ValueError(f"mu must be at least 0, got {mu}")
    if mu > 0 and consistency != "exact":
        raise ValueError(f"mu must be 0 unless consistency is exact, got {mu} with {consistency}")


def _one_coil_on_a_grid(operator: LinearOperator) -> bool:
    return len(operator.range_shape) == 3 and operator.range_shape[0] == 1


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
        found = NetworkDenoiser(network, memory_bytes=memory_bytes)(images)
    except ValueError as error:  # too few pixels for its levels
        raise UnsuitableError(str(error)) from None
    return found.clamp_min(0).reshape(magnitude.shape)


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


def _consistent(
    operator: LinearOperator,
    y: Tensor,
    weighted: LinearOperator,
    b: Tensor,
    guess: Tensor,
    consistency: Consistency,
    mu: float,
    n_cg: int,
) -> Tensor:
    if consistency == "none":
        return guess
    if consistency == "exact":
        return nearest_fit(weighted, b, guess, mu=mu, n_iter=n_cg)
    if consistency in ("published_spokes", "published_spokes_off_centre"):
        return full_set_gridding(operator, y, guess, centred=consistency == "published_spokes")
    if not _one_coil_on_a_grid(operator):
        raise UnsuitableError(
            f"{consistency} must be given one coil on a Cartesian grid, got samples {operator.range_shape}"
        )
    part = real_part if consistency == "published_real" else magnitude_part
    return part(nearest_fit(weighted, b, guess))

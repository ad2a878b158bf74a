"""ReconResNet: one pass of a network over the zero-filled image, then the measured samples put back."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

from proxflow.models.methods.network_guess import Guess, Phase, Unit, network_guess
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.reconresnet_published import full_set_gridding, magnitude_part, real_part
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.models.solvers.nearest_fit import nearest_fit
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.operator_norm import operator_norm

Consistency = Literal[
    "exact",
    "none",
    "published_real",
    "published_magnitude",
    "published_spokes",
    "published_spokes_off_centre",
]
USUAL_MU = 0.1  # less predicted withheld samples of a measured brain worse, its coils compressed to 3
SAME = 1e-5  # of moduli: single precision


def reconresnet(
    operator: LinearOperator,
    y: Tensor,
    *,
    network: nn.Module,
    consistency: Consistency = "exact",
    mu: float | None = None,
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
        x   = argmin ||A z - y||_W^2 + mu s ||z - x_G / c||^2     s: see ``coil_power``

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
        mu: >= 0, beside A^H W A / s, which on a grid is at most 1, and along spokes about 1 where they are
            dense. With 0 and one Cartesian coil, of a map of modulus 1, all samples are kept to rounding.
            Otherwise ``n_cg`` steps decide how near; or, on a grid, a mu of about the noise's variance over
            that of x_G's error where s is 1; along spokes, whose samples are weighted by their density, it is
            no such ratio. None: 0 for that one coil, and where the consistency is not "exact"; ``USUAL_MU``
            otherwise.
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
        mu = USUAL_MU if consistency == "exact" and not keeps_samples(operator) else 0.0
    _check_options(consistency, mu, unit)
    guess = network_guess(operator, y, network=network, phase=phase, unit=unit, memory_bytes=memory_bytes)
    image = consistent(operator, y, guess, consistency=consistency, mu=mu, n_cg=n_cg)
    return one_step(operator, y, image, monitor=monitor, resume=resume)


def _check_options(consistency: str, mu: float, unit: str) -> None:
    for name, given, kind in (("consistency", consistency, Consistency), ("unit", unit, Unit)):
        if given not in get_args(kind):
            raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {given}")
    if not mu >= 0:
        raise ValueError(f"mu must be at least 0, got {mu}")
    if mu > 0 and consistency != "exact":
        raise ValueError(f"mu must be 0 unless consistency is exact, got {mu} with {consistency}")


def keeps_samples(operator: LinearOperator) -> bool:
    """Whether A^H A is a projection, as of one coil on a Cartesian grid with a map of modulus 1: with mu = 0
    measured samples then are those of an image, and nothing else is fitted. A map that is 0 outside the
    object is none such."""
    if not isinstance(operator, CartesianSense) or len(operator.coil_maps) != 1:
        return False
    return float((operator.coil_maps.abs() - 1).abs().max()) < SAME


def coil_power(operator: LinearOperator) -> float:
    """s = max_r sum_c |S_c(r)|^2 of coil maps, 1 of usual ones; ||A||^2 of operators without.

    On a grid no less than ||A||^2, and with weights by density about what A^H W A does to frequencies that
    are sampled densely. ||A^H W A|| itself grows with the gaps, 18 of 8 spokes of 64 pixels: the scale of a
    few frequencies far out.
    """
    if isinstance(operator, CartesianSense | NonCartesianSense):
        return float(operator.coil_maps.abs().square().sum(0).max())
    return operator_norm(operator) ** 2


def consistent(
    operator: LinearOperator, y: Tensor, guess: Guess, *, consistency: Consistency, mu: float, n_cg: int
) -> Tensor:
    """x from x_G / c, as ``reconresnet`` says."""
    weighted, b, image = guess
    if consistency == "none":
        return image
    if consistency == "exact":
        return nearest_fit(weighted, b, image, mu=mu * coil_power(operator) if mu else 0.0, n_iter=n_cg)
    if consistency in ("published_spokes", "published_spokes_off_centre"):
        return full_set_gridding(operator, y, image, centred=consistency == "published_spokes")
    if not keeps_samples(operator):
        raise UnsuitableError(
            f"{consistency} must be given one coil on a Cartesian grid, with a map of modulus 1 everywhere, "
            f"got {_told(operator)}"
        )
    part = real_part if consistency == "published_real" else magnitude_part
    return part(nearest_fit(weighted, b, image))


def _told(operator: LinearOperator) -> str:
    if not isinstance(operator, CartesianSense) or len(operator.coil_maps) != 1:
        return f"samples {operator.range_shape}"
    size = operator.coil_maps.abs()
    return f"a map from {float(size.min()):.3g} to {float(size.max()):.3g}"

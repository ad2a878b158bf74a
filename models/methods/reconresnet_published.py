"""Data consistency as it was published with ReconResNet, for comparison: measured samples are not kept."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.base import LinearOperator
from proxflow.operators.golden_spokes import golden_spoke_density, golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense

SAME_PLACE = 1e-4  # cycles per field of view


def real_part(z: Tensor) -> Tensor:
    """Re z, as a complex image. Of z whose sampled k-space was replaced, the published result.

    k-space of Re z is the mean of Z(k) and conj Z(-k): a sample whose mirror image was not measured is drawn
    half-way back to the network's value. Exact where the mask is symmetric under k -> -k (modulo n), for real
    objects alone.
    """
    return torch.complex(z.real, torch.zeros_like(z.real))


def magnitude_part(z: Tensor) -> Tensor:
    """|z|, as a complex image: the result of the published code's later version, farther from the samples."""
    return torch.complex(z.abs(), torch.zeros_like(z.real))


def full_set_gridding(operator: LinearOperator, y: Tensor, x: Tensor, *, centred: bool = True) -> Tensor:
    """Re A_f^H w [y; A_m x]: measured and missing spokes of a full golden-angle set, gridded together.

    Of n x n pixels the full set has 2 n spokes, of which S were measured and the others, m, are taken from x;
    w are the weights of the full set. No projection: what comes out has other samples than y, and for y = A x
    it is the gridding of x by the full set.

    Args:
        operator: A, of one coil, spokes 0 to S - 1 of ``golden_spokes``, without weights.
        y: complex (*batch, 1, sample).  x: complex (*batch, n, n).
        centred: False for the published weights, whose zero lies one sample beside the centre.

    Raises UnsuitableError for other measurements.
    Source: Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), in the code of their experiments, which
    pads images with zeros to 2 n x 2 n first: that changes the accuracy of its NUFFT and nothing else.
    """
    spokes, n_spokes = _golden(operator)
    matrix = spokes.domain_shape[0]
    full = 2 * matrix
    weights = golden_spoke_density(full, matrix, centred=centred).to(y.device, y.real.dtype)
    image = spokes.adjoint(weights.repeat(n_spokes) * y)
    if n_spokes < full:
        trajectory = golden_spokes(full - n_spokes, matrix, first=n_spokes).flatten(0, 1)
        missing = NonCartesianSense(trajectory, spokes.coil_maps, tolerance=spokes.tolerance)
        image = image + missing.adjoint(weights.repeat(full - n_spokes) * missing.forward(x))
    return real_part(image)


def _golden(operator: LinearOperator) -> tuple[NonCartesianSense, int]:
    """The operator, and how many spokes it has; UnsuitableError if they are no golden-angle ones."""
    if not isinstance(operator, NonCartesianSense) or operator.weights is not None:
        raise UnsuitableError("the published radial consistency must be given spokes without weights")
    ny, nx = operator.domain_shape
    n_coils, n_samples = operator.range_shape
    if ny != nx or n_coils != 1:
        got = f"{n_coils} coils and {ny} x {nx}"
        raise UnsuitableError(
            f"the published radial consistency must be given one coil and a square image, got {got}"
        )
    n_spokes = n_samples // (2 * ny)
    if n_samples % (2 * ny) or not 1 <= n_spokes <= 2 * ny:
        raise UnsuitableError(
            f"the published radial consistency must be given 1 to {2 * ny} spokes of {2 * ny} samples, "
            f"got {n_samples} samples"
        )
    apart = float((operator.trajectory - golden_spokes(n_spokes, ny).flatten(0, 1)).abs().max())
    if apart > SAME_PLACE:
        raise UnsuitableError(
            "the published radial consistency must be given the first spokes of golden_spokes, "
            f"got samples {apart:.3g} cycles per field of view from them"
        )
    return operator, n_spokes

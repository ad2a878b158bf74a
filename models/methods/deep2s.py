"""Deep2S: one pass of a network over the adjoint image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.adjoint_scenes import unit_magnitude
from proxflow.models.methods.fitted_scale import fit_scale
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator

LEAST = 4  # voxels along an axis: the network halves them twice


def deep2s(
    operator: LinearOperator,
    y: Tensor,
    *,
    network: nn.Module,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = c net(|A^H y| / max |A^H y|) exp(i arg A^H y), the maximum over each item.

    Args:
        operator: complex, of volumes (z, y, x).
        network: of (n, 1, z, y, x), in evaluation mode; it has learnt adjoint images of one array and box.

    c is the factor, per item, with which A x meets y best. The phases are the adjoint image's and no result
    of the network, which gives magnitudes alone.
    Raises UnsuitableError for images, or fewer than 4 voxels along an axis; DivergenceError on NaN.
    Source: Manisali, Oral & Oktem, Digital Signal Process. 144:104274 (2024), who divide by the maximum of
    the batch by default, so that an image hangs on its neighbours.
    """
    shape = tuple(operator.domain_shape)
    if len(shape) != 3 or min(shape) < LEAST:
        got = " x ".join(map(str, shape))
        raise UnsuitableError(f"image must be a volume of {LEAST} voxels or more along each axis, got {got}")
    adjoint = operator.adjoint(y)
    seen = unit_magnitude(adjoint, len(shape)).reshape(-1, 1, *shape).float()
    with torch.no_grad():
        found = network(seen.contiguous(memory_format=torch.channels_last_3d))
    magnitude = found.reshape(adjoint.shape).to(y.real.dtype)
    image = magnitude_prox(adjoint, lambda _: magnitude)
    return one_step(operator, y, fit_scale(operator, y, image), monitor=monitor, resume=resume)

"""The adjoint of non-Cartesian MRI with density compensation."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.spoke_weights import spoke_weights
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.density_compensation import pipe_menon_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense


def gridding(
    operator: NonCartesianSense,
    y: Tensor,
    *,
    density: Literal["radial", "pipe_menon"] = "radial",
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = A^H W y with the sampling density's inverse W, scaled so that A^H W A is about the identity.

    Args:
        operator: without weights of its own; with ``n_readout`` for the "radial" density.
        y: (*batch, coil, sample).
        density: "radial" by formula, for spokes through the centre; "pipe_menon" for any trajectory.

    The image has the unit of the coil-combined data. Reported as one iteration.
    Raises UnsuitableError where the trajectory is not of spokes and the density is "radial".
    Source: O'Sullivan, IEEE Trans. Med. Imaging 4:200 (1985), with the coils combined as SENSE does.
    """
    if density == "radial" and operator.n_readout is None:
        raise UnsuitableError("density must be pipe_menon where spokes differ in length, got radial")
    weights = spoke_weights(operator) if density == "radial" else _pipe_menon(operator)
    weights = weights.to(y.real.dtype).to(y.device)
    return one_step(operator, y, operator.adjoint(weights * y), monitor=monitor, resume=resume)


def _pipe_menon(operator: NonCartesianSense) -> Tensor:
    ny, nx = operator.domain_shape
    return pipe_menon_density(operator.trajectory, (ny, nx))

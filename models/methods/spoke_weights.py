"""Weights that make up for the density of spokes, for an operator that measures along them."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.density_compensation import radial_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense


def spoke_weights(operator: NonCartesianSense) -> Tensor:
    """``radial_density`` of the operator's samples, float64 (sample,), on the CPU.

    Raises UnsuitableError where spokes differ in length or are no straight lines through the centre.
    """
    if operator.n_readout is None:
        raise UnsuitableError("spokes must have as many samples each for weights by formula, got others")
    try:
        return radial_density(operator.trajectory.unflatten(0, (-1, operator.n_readout))).flatten()
    except ValueError as error:
        raise UnsuitableError(str(error)) from None

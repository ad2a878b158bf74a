"""Kirchhoff migration of multistatic data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from torch import Tensor

from proxflow.models.methods.fitted_scale import fit_scale
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator
from proxflow.operators.near_field_mimo import NearFieldMimo


def kirchhoff(
    operator: LinearOperator,
    y: Tensor,
    *,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = c sum over k, t, r of y (dd_T/dz) (dd_R/dz) (jk + 1/d_T) (jk + 1/d_R) exp(+jk (d_T + d_R)),

    with dd/dz = (z - z_antenna) / d and k the wavenumber in the medium.

    Args:
        operator: a ``NearFieldMimo``, of which all but the amplitude is used.
        y: complex, of the operator's range, unscaled.

    c is the factor, per item, with which A x meets y best. Made for antennas in a plane z = constant that
    look along z. Those of a hemisphere are weighted by their obliquity to z all the same, which misplaces
    targets in z: take ``back_projection`` there. The two brackets multiplied out are powers of k times gains
    of one antenna each: four adjoints.
    Raises TypeError for another operator, ValueError for a voxel on an antenna, DivergenceError on NaN.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), their baseline ("compensate" off),
    without c.
    """
    if not isinstance(operator, NearFieldMimo):
        raise TypeError(f"operator must be NearFieldMimo, got {type(operator).__name__}")
    wavenumbers = operator.wavenumbers.to(y.device).reshape(-1, *(1,) * (len(operator.range_shape) - 1))
    n_batch = y.ndim - len(operator.range_shape)
    image = y.new_zeros((*y.shape[:n_batch], *operator.domain_shape))
    for p, q in product((0, 1), (0, 1)):
        weighted = y * ((1j * wavenumbers) ** (2 - p - q)).to(y.dtype)
        image += operator.with_antenna_gain(_slope_over(p), _slope_over(q)).adjoint(weighted)
    return one_step(operator, y, fit_scale(operator, y, image), monitor=monitor, resume=resume)


def _slope_over(power: int) -> Callable[[Tensor, Tensor], Tensor]:
    """(dd/dz) / d^power."""
    return lambda distance, height: height / distance ** (1 + power)

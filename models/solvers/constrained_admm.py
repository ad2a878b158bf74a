"""min R(|s|) subject to ||A s - y|| <= epsilon, by ADMM with a ball constraint (C-SALSA)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.models.solvers.constrained_step import (
    AdmmNumbers,
    ConstrainedState,
    MagnitudeDenoiser,
    constrained_start,
    constrained_step,
)
from proxflow.models.solvers.data_step import data_step
from proxflow.models.solvers.inner_product import scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Iteration,
    Measure,
    Monitor,
    iterate,
    relative_change,
)
from proxflow.operators.base import LinearOperator


def constrained_admm(
    operator: LinearOperator,
    y: Tensor,
    denoise: MagnitudeDenoiser,
    memory: Tensor,
    numbers: AdmmNumbers,
    *,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> tuple[Tensor, list[Iteration]]:
    """s of min R(|s|) subject to ||A s - y|| <= epsilon ||y||, and one report per iteration, of its s; with
    ``numbers.average`` the mean of s over the iterations of each item, of which ADMM's rates are told.

    Starts from the Tikhonov image s = argmin kappa ||s||^2 + ||A s - y||^2, whose peak, per item, is the
    unit in which ``denoise`` sees magnitudes: a peak of about 1, whatever the gain of A and y.

    Args:
        memory: of ``denoise`` at the start; its batch axes, where it has any, are y's.

    The reported relative change is the greatest of the items', of magnitudes; the objective is nan. Figures,
    of all items together: ``split`` ||s - u1|| / ||s||, ``data split`` ||A s - u2|| / ||y||, ``dual``
    ||d1|| / ||s||, ``data dual`` ||d2|| / ||y|| and, under a constraint, ``misfit over epsilon``, the
    greatest ||A s - y|| / epsilon.
    Raises ValueError as ``data_step``, DivergenceError on NaN or infinity.
    """
    n_axes, n_range = len(operator.domain_shape), len(operator.range_shape)
    update = data_step(
        operator,
        y,
        numbers.kappa,
        numbers.n_iter,
        update=numbers.update,
        kappa_changes=numbers.kappa_growth != 1,
    )
    zero = y.new_zeros((*y.shape[: y.ndim - n_range], *operator.domain_shape))
    s, a_s = update(zero, y, zero, numbers.kappa)
    norms = squared_norm(y, n_range).sqrt()
    epsilon = None if numbers.epsilon is None else numbers.epsilon * norms
    peak = s.abs().amax(tuple(range(-n_axes, 0))).double()

    def measure(state: ConstrainedState) -> Measure:
        misfits = squared_norm(state.a_s - y, n_range)
        squares = (
            *(misfits, norms.square(), squared_norm(state.s, n_axes)),
            *(squared_norm(state.s - state.u1, n_axes), squared_norm(state.d1, n_axes)),
            *(squared_norm(state.a_s - state.u2, n_range), squared_norm(state.d2, n_range)),
        )
        misfit, yy, ss, split, dual, data_split, data_dual = (v**0.5 for v in scalars(*squares))
        figures = [
            ("split", relative_change(split, ss)),
            ("data split", relative_change(data_split, yy)),
            ("dual", relative_change(dual, ss)),
            ("data dual", relative_change(data_dual, yy)),
        ]
        if epsilon is not None:
            figures.append(("misfit over epsilon", _most(misfits.sqrt(), epsilon)))
        return math.nan, float(state.change.max()), relative_change(misfit, yy), tuple(figures)

    def image(state: ConstrainedState) -> Tensor:
        return state.mean if numbers.average else state.s

    state, trace = iterate(
        constrained_start(s, a_s, memory, n_axes, average=numbers.average),
        lambda state: constrained_step(
            state,
            y=y,
            epsilon=epsilon,
            peak=peak,
            data_step=update,
            denoise=denoise,
            numbers=numbers,
            n_axes=n_axes,
        ),
        n_iter=numbers.n_iter,
        tol=numbers.tol,
        measure=measure,
        image=image,
        monitor=monitor,
        resume=resume,
    )
    return image(state), trace


def _most(misfit: Tensor, epsilon: Tensor) -> float:
    """The greatest misfit / epsilon; infinity where epsilon is 0 and the misfit is not."""
    return float(torch.where(misfit == 0, 0.0, misfit / epsilon).max())

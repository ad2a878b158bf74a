"""Any method, for images whose smooth phase its prior or denoiser is not to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from proxflow.models.calibration.image_unit import first_image
from proxflow.models.calibration.low_phase import low_phase
from proxflow.models.methods.per_frame import last_good_series
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.base import LinearOperator
from proxflow.operators.diagonal import Diagonal

PhaseRule = Literal["kept", "smooth"]


def without_phase(
    method: Callable[..., Reconstruction],
    operator: LinearOperator,
    y: Tensor,
    *,
    phase: PhaseRule = "kept",
    **numbers: Any,
) -> Reconstruction:
    """x = P x' with x' what ``method`` finds of y = (A P) x', P = diag(exp(i phi)); with "kept", P = 1.

    All that a method meets, its prior, its unit and what it tells from the measurements, is of images x'.
    Networks of ``train-diffusion`` have seen phases of little more than a radian; coils and fields turn
    images by more.

    Args:
        method: given an operator, its measurements and ``numbers``; its maps are magnitudes.
        operator: A of norm 1, of images (y, x) or volumes (z, y, x).
        y: (*batch, *range); with "smooth" of one item, since P is the same for all.
        phase: "smooth", of complex images: exp(i phi) is ``low_phase`` of ``first_image``.

    Raises UnsuitableError where the phase of real images is to be taken off, and what ``method`` raises.
    """
    if phase == "kept":
        return method(operator, y, **numbers)
    b = operator.adjoint(y)
    if not b.is_complex():
        raise UnsuitableError(f"phase must be kept where images are real, got {phase}")
    turn = low_phase(first_image(operator, b))
    with last_good_series(lambda image: turn * image):
        found = method(operator @ Diagonal(turn), y, **numbers)
    return replace(found, image=turn * found.image)

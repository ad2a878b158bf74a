"""How a picture was measured: as JSON of the artefacts, as an operator, and in words."""

from __future__ import annotations

import math
from typing import Any

from proxflow.configs.prepare_image import Blur, Blurred, CirculantSensing
from proxflow.operators.base import LinearOperator
from proxflow.operators.circulant_sensing import CirculantSensing as Sensing
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.tasks.errors import RequestError

Measuring = Blur | Blurred | CirculantSensing


def acquisition_of(step: Measuring, matrix: tuple[int, int]) -> dict[str, Any]:
    """What of the step decides the operator for pictures of ``matrix``; RequestError where too little is
    measured."""
    if not isinstance(step, CirculantSensing):
        return {"kind": step.kind, "sigma": step.sigma}
    n_pixels = math.prod(matrix)
    if step.ratio > n_pixels // 2:  # one measurement leaves none to hold out
        raise RequestError(
            f"prepare circulant_sensing ratio must be at most {n_pixels // 2} for {matrix[0]} x {matrix[1]} "
            f"pixels, got {step.ratio}"
        )
    return {"kind": step.kind, "n_rows": n_pixels // step.ratio, "seed": step.seed}


def forward_model(acquisition: dict[str, Any], matrix: tuple[int, int]) -> LinearOperator:
    """The operator from the image to what was measured.

    Of a picture of ``matrix`` that a camera has blurred, the image is larger by the kernel's side less one:
    light of its margin fell into the picture, which tells little of it.
    """
    if acquisition["kind"] == "circulant_sensing":
        return Sensing(matrix, acquisition["n_rows"], seed=acquisition["seed"])
    blur = GaussianBlur(matrix, acquisition["sigma"])
    return blur.H if acquisition["kind"] == "blurred" else blur


def acquisition_text(acquisition: dict[str, Any], matrix: tuple[int, int]) -> str:
    """In a few words."""
    if acquisition["kind"] == "circulant_sensing":
        rows, n_pixels = acquisition["n_rows"], math.prod(matrix)
        return f"{rows} random combinations of {n_pixels} pixels, circulant"
    return f"Gaussian blur, standard deviation {acquisition['sigma']:g} pixels"

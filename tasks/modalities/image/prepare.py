"""Prepare a picture: crop it, and measure it, or say how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from proxflow.configs.prepare import Crop, PrepareStep
from proxflow.configs.prepare_image import Blur, Blurred, CirculantSensing
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.validate_picture import LEAST_SIDE
from proxflow.operators.base import LinearOperator
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.image.forward_model import (
    Measuring,
    acquisition_of,
    acquisition_text,
    forward_model,
)
from proxflow.tasks.stages.documents import centre_crop, geometry_to_json


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` float32 (item, *range) of the forward model and ``mask`` bool (*range), all True;
    ``reference`` float32 (item, y, x), the picture, where it was measured here; document ``scan`` with
    ``acquisition``, see ``forward_model``.

    Raises RequestError where a step does not fit, or none or two say how the picture was measured.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    n_items, *full = scan.shape("samples")
    matrix, notes = cropped_matrix(steps, (full[0], full[1]))
    step = measuring_step(steps)
    acquisition = acquisition_of(step, matrix)
    operator = forward_model(acquisition, matrix)
    writer.create("samples", (n_items, *operator.range_shape), np.float32)
    if not isinstance(step, Blurred):
        writer.create("reference", (n_items, *matrix), np.float32)
    levels: list[float | None] = []
    for index, number in enumerate(document["items"]):
        picture = centre_crop(scan.rows("samples", index, index + 1), matrix)
        peak = float(np.abs(picture).max())
        if peak == 0:
            raise RequestError(f"prepare crop must leave signal, got zeros in {document['labels'][index]}")
        level = None if step.noise is None else step.noise * peak
        levels.append(level)
        if isinstance(step, Blurred):
            writer.append("samples", picture)
            continue
        assert level is not None
        writer.append("samples", measured(operator, picture[0], level, step.seed, number)[None])
        writer.append("reference", picture)
    writer.write("mask", np.ones(operator.range_shape, dtype=np.bool_))
    writer.document("scan", document | _facts(step, acquisition, matrix, levels, notes))


def measured(
    operator: LinearOperator, picture: np.ndarray, level: float, seed: int, number: int
) -> np.ndarray:
    """A x + noise as float32, computed in double precision: Gaussian noise of std ``level``, which ``seed``
    and the item's number in its file decide."""
    clean = operator.forward(torch.from_numpy(picture.astype(np.float64))).numpy()
    noise = np.random.default_rng([seed, number]).standard_normal(clean.shape)
    return (clean + level * noise).astype(np.float32)


def cropped_matrix(steps: Sequence[PrepareStep], full: tuple[int, int]) -> tuple[tuple[int, int], list[str]]:
    """The picture's size after its crops, and notes on them; RequestError for one that does not fit, or that
    comes after the measurement."""
    matrix, notes, is_measured = full, list[str](), False
    for step in steps:
        if not isinstance(step, Crop):
            is_measured = True
            continue
        new, old = step.matrix, matrix
        if is_measured:
            raise RequestError("prepare crop must come before what says how the picture was measured")
        if new[0] > old[0] or new[1] > old[1]:
            raise RequestError(
                f"prepare crop matrix must fit in {old[0]} x {old[1]}, got {new[0]} x {new[1]}"
            )
        if min(new) < LEAST_SIDE:
            raise RequestError(
                f"prepare crop matrix must be at least {LEAST_SIDE} x {LEAST_SIDE}, got {new[0]} x {new[1]}"
            )
        matrix = new
        notes.append(f"cropped to {new[0]} x {new[1]} of {old[0]} x {old[1]}")
    return matrix, notes


def measuring_step(steps: Sequence[PrepareStep]) -> Measuring:
    """The one step that says how the picture was measured; RequestError where there is none, or two."""
    found = [step for step in steps if isinstance(step, Blur | Blurred | CirculantSensing)]
    if len(found) != 1:
        got = ", ".join(step.kind for step in found) or "none"
        raise RequestError(
            "prepare must say once how the picture was measured, by blur, blurred or circulant_sensing, got "
            f"{got}"
        )
    return found[0]


def _facts(
    step: Measuring,
    acquisition: dict[str, Any],
    matrix: tuple[int, int],
    levels: list[float | None],
    notes: list[str],
) -> dict[str, Any]:
    """What the document ``scan`` says of the measurement."""
    simulated = not isinstance(step, Blurred)
    said = acquisition_text(acquisition, matrix)
    if simulated:
        said += f"; noise of {step.noise:g} of the peak; simulated from the picture, which is the reference"
    told = "as the recipe says" if step.noise is not None else "not known: the recipe does not say"
    return {
        "acquisition": acquisition,
        "geometry": geometry_to_json(Geometry(matrix, slices=tuple(range(len(levels))))),
        "planes": 1,
        "notes": [*notes, said],
        "acceleration": float(step.ratio) if isinstance(step, CirculantSensing) else None,
        "noise_std": levels,
        "noise_source": "of the simulation" if simulated else told,
        "retrospective": simulated,
    }

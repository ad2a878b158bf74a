"""Prepare a radar scan: subtract the background, keep some frequencies."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from pydantic import TypeAdapter

from proxflow.configs.image import ImageConfig
from proxflow.configs.prepare import KeepFrequencies, PrepareStep, SubtractBackground
from proxflow.data.store.artefact import ArtefactWriter
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.radar.geometry import image_geometry, voxel_grid
from proxflow.tasks.stages.documents import geometry_to_json

ANTENNAS = ("transmitters_m", "receivers_m", "pairs", "reference_range_m")


@dataclass(frozen=True)
class Preparation:
    """What the steps so far make of a scan."""

    kept: np.ndarray  # int (frequency,): indices of the frequencies kept
    has_background: bool
    subtract: bool = False
    turned_degrees: float | None = None
    notes: tuple[str, ...] = ()


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` complex64 (item, frequency, pair), ``mask`` bool (frequency, pair), all True, and the
    antennas; ``turned_degrees`` float64 (1,) where the background's array was turned; document ``scan`` with
    the voxels.

    Raises RequestError where a step does not fit the scan, or the recipe names no voxels.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    n_items, n_frequencies, n_pairs = scan.shape("samples")
    state = Preparation(np.arange(n_frequencies), "background" in scan)
    for step in steps:
        state = apply_step(step, state)
    writer.create("samples", (n_items, len(state.kept), n_pairs), np.complex64)
    for index in range(n_items):
        samples = scan.rows("samples", index, index + 1)
        if state.subtract:
            samples = samples - scan.rows("background", index, index + 1)
        if not samples.any():
            label = document["labels"][index]
            raise RequestError(f"prepare must leave a signal, got zeros in {label}")
        writer.append("samples", samples[:, state.kept])
    writer.write("mask", np.ones((len(state.kept), n_pairs), dtype=np.bool_))
    writer.write("frequencies_hz", scan.array("frequencies_hz")[state.kept])
    for name in ANTENNAS:
        if name in scan:
            writer.write(name, scan.array(name))
    if state.turned_degrees is not None:
        writer.write("turned_degrees", np.array([state.turned_degrees]))
    grid = voxel_grid(ImageConfig.model_validate(context.config["image"]))
    writer.document(
        "scan",
        document
        | {
            "grid": asdict(grid),
            "geometry": geometry_to_json(image_geometry(grid, n_items)),
            "planes": grid.shape[0],
            "notes": [*document["notes"], *state.notes],
            "acceleration": None,
            "noise_std": [None] * n_items,
            "noise_source": "not known: the scan has no noise measurement",
            "retrospective": len(state.kept) < n_frequencies,
        },
    )


def apply_step(step: PrepareStep, state: Preparation) -> Preparation:
    """What one more step makes of the scan; RequestError where it does not fit."""
    if isinstance(step, SubtractBackground):
        if not state.has_background:
            raise RequestError("prepare subtract_background must have a background in the scan, got none")
        turned = step.turned_degrees
        note = "background subtracted"
        if turned is not None:
            note += f", its array turned by {turned:g} degrees, and the scene's echoes in it modelled"
        return replace(state, subtract=True, turned_degrees=turned, notes=(*state.notes, note))
    assert isinstance(step, KeepFrequencies), step  # the recipe was held against the kind of scan
    available = len(state.kept)
    if step.n_frequencies > available:
        raise RequestError(
            f"prepare keep_frequencies n_frequencies must be at most {available}, got {step.n_frequencies}"
        )
    stride = max(1, (available - 1) // max(1, step.n_frequencies - 1))
    chosen = stride * np.arange(step.n_frequencies)
    note = f"{step.n_frequencies} of {available} frequencies kept, every {stride}"
    return replace(state, kept=state.kept[chosen], notes=(*state.notes, note))

"""Prepare a tomographic scan: counts to attenuation, artefacts of the detector, views kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from proxflow.configs.image import ImageConfig
from proxflow.configs.prepare import FlatField, KeepAngles, MinusLog, PrepareStep, ReduceRings, RemoveZingers
from proxflow.data.kspace import Geometry
from proxflow.data.sinogram import Quantity, ScanGeometry
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.tomography.flat_field import minus_log, transmission
from proxflow.models.tomography.noise import noise_std
from proxflow.models.tomography.rings import reduce_rings
from proxflow.models.tomography.zingers import remove_zingers
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.tomography.geometry import (
    image_geometry,
    scan_geometry_from_json,
    scan_geometry_to_json,
    with_unit,
)
from proxflow.tasks.stages.documents import geometry_to_json
from proxflow.tasks.stages.planes import copy_rows

ROUNDING_DEG = 1e-4  # angles in a file are rounded: the ends of an arc belong to it
Fields = dict[str, np.ndarray]  # dark and flat of one item, where the scan has them
ItemMap = Callable[[np.ndarray, Fields], tuple[np.ndarray, int]]  # -> samples, how many values were mended


@dataclass(frozen=True)
class Preparation:
    """What the steps so far make of a scan; samples are only touched when the items are written."""

    quantity: Quantity
    geometry: ScanGeometry
    kept: np.ndarray  # bool (angle,)
    has_fields: bool
    maps: tuple[tuple[str, str, ItemMap], ...] = ()  # step, what it does in words, how
    notes: tuple[str, ...] = ()
    retrospective: bool = False

    def then(self, step: str, note: str, item_map: ItemMap, **changes: Any) -> Preparation:
        return replace(self, maps=(*self.maps, (step, note, item_map)), **changes)


@dataclass
class Mended:
    """How many values each step replaced, over all items."""

    counts: dict[str, int] = field(default_factory=dict)

    def note(self) -> list[str]:
        return [f"{name}: {count} values mended" if count else name for name, count in self.counts.items()]


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` float32 (item, angle, column) or, of cones, (item, row, angle, column):
    attenuation of all measured views; ``mask`` bool (angle,), the views a method is given;
    ``labels_image``, and ``reference`` where it has the image's pixels, if the scan has them; document
    ``scan``.

    Raises RequestError where a step does not fit, or the samples do not end as attenuation.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    geometry, unit_notes = with_unit(scan_geometry_from_json(document["acquisition"]))
    kept = np.ones(len(geometry.angles_rad), dtype=np.bool_)
    state = Preparation(document["quantity"], geometry, kept, "flat" in scan, notes=tuple(unit_notes))
    for step in steps:
        state = apply_step(step, state)
    if state.quantity != "attenuation":
        wanted = "flat_field" if state.quantity == "counts" else "minus_log"
        raise RequestError(f"prepare must end in attenuation, got {state.quantity}; add the step {wanted}")
    n_items, *shape = scan.shape("samples")
    writer.create("samples", (n_items, *shape), np.float32)
    mended, levels = Mended(), []
    for index in range(n_items):
        samples = prepared_item(state, scan, index, mended)
        levels.append(noise_std(samples))
        writer.append("samples", samples[None])
    writer.write("mask", state.kept)
    image = image_geometry(
        ImageConfig.model_validate(context.config["image"]), geometry, tuple(shape), n_items
    )
    planes = len(image.slices) // n_items
    if "labels_image" in scan:
        copy_rows("labels_image", scan, writer)
    if "reference" in scan and is_on_grid(scan, image, planes):
        copy_rows("reference", scan, writer)
    writer.document(
        "scan",
        document
        | {
            "acquisition": scan_geometry_to_json(geometry),
            "quantity": state.quantity,
            "geometry": geometry_to_json(image),
            "planes": planes,
            "notes": [*document["notes"], *state.notes, *mended.note()],
            "acceleration": len(state.kept) / int(state.kept.sum()) if state.retrospective else None,
            "noise_std": levels,
            "noise_source": "from mixed differences of neighbouring views and columns",
            "retrospective": state.retrospective,
        },
    )


def is_on_grid(scan: Artefact, image: Geometry, planes: int) -> bool:
    """Whether the reference that came with the scan has the pixels of the image."""
    voxel, pixel = image.voxel_size_mm, scan.document("scan")["image_pixel_mm"]
    same = pixel is None or (voxel is not None and np.isclose(pixel, voxel[2], rtol=1e-3))
    return bool(scan.shape("reference")[1:] == image.matrix and planes == 1 and same)


def prepared_item(state: Preparation, scan: Artefact, index: int, mended: Mended) -> np.ndarray:
    """Attenuation of one item, float32; RequestError where a step does not fit its samples."""
    samples = scan.rows("samples", index, index + 1)[0]
    fields = {name: scan.rows(name, index, index + 1)[0] for name in ("dark", "flat") if name in scan}
    for step, note, item_map in state.maps:
        try:
            samples, count = item_map(samples, fields)
        except ValueError as error:
            raise RequestError(f"prepare {step}: {error}") from None
        mended.counts[note] = mended.counts.get(note, 0) + count
    return np.ascontiguousarray(samples, dtype=np.float32)


def apply_step(step: PrepareStep, state: Preparation) -> Preparation:
    """What one more step makes of the scan; RequestError where it does not fit."""
    if isinstance(step, FlatField):
        return _flat_field(state)
    if isinstance(step, MinusLog):
        if state.quantity != "transmission":
            raise RequestError(f"prepare minus_log must be of transmission, got {state.quantity}")
        return state.then(
            "minus_log", "negative logarithm of the transmission", _minus_log, quantity="attenuation"
        )
    if isinstance(step, RemoveZingers):
        if state.quantity == "attenuation":
            raise RequestError(
                "prepare remove_zingers must come before flat_field or minus_log, got attenuation"
            )
        return state.then(
            "remove_zingers",
            "zingers removed",
            lambda samples, _: _by_views(remove_zingers, samples, step.threshold),
        )
    if isinstance(step, ReduceRings):
        if state.quantity != "attenuation":
            raise RequestError(f"prepare reduce_rings must come after flat_field, got {state.quantity}")
        return state.then(
            "reduce_rings",
            "rings reduced",
            lambda samples, _: (_each_slice(reduce_rings, samples, step.size), 0),
        )
    assert isinstance(step, KeepAngles), step  # the recipe was held against the kind of scan
    return _keep_angles(step, state)


def _flat_field(state: Preparation) -> Preparation:
    if state.quantity != "counts":
        raise RequestError(f"prepare flat_field must be of counts, got {state.quantity}")
    if not state.has_fields:
        raise RequestError("prepare flat_field must have dark and flat fields in the scan, got none")

    def correct(samples: np.ndarray, fields: Fields) -> tuple[np.ndarray, int]:
        light, dead = transmission(samples, fields.get("dark"), fields["flat"])
        attenuation, clipped = minus_log(light)
        return attenuation, dead + clipped

    return state.then("flat_field", "dark and flat field corrected", correct, quantity="attenuation")


def _minus_log(samples: np.ndarray, _: Fields) -> tuple[np.ndarray, int]:
    return minus_log(samples)


def _by_views(
    method: Callable[..., tuple[np.ndarray, int]], samples: np.ndarray, number: float
) -> tuple[np.ndarray, int]:
    """A method of one sinogram (angle, column) over the rows of a cone, or over the one there is."""
    if samples.ndim == 2:
        return method(samples, number)
    results = [method(sinogram, number) for sinogram in samples]
    return np.stack([result for result, _ in results]), sum(count for _, count in results)


def _each_slice(method: Callable[..., np.ndarray], samples: np.ndarray, number: int) -> np.ndarray:
    if samples.ndim == 2:
        return method(samples, number)
    return np.stack([method(sinogram, number) for sinogram in samples])


def _keep_angles(step: KeepAngles, state: Preparation) -> Preparation:
    degrees = np.mod(np.rad2deg(state.geometry.angles_rad) - step.start_deg + ROUNDING_DEG, 360.0)
    inside = (step.arc_deg >= 360) | (degrees <= step.arc_deg + 2 * ROUNDING_DEG)
    chosen = np.flatnonzero(state.kept & inside)[:: step.every]
    if len(chosen) == 0:
        raise RequestError(
            f"prepare keep_angles must keep a view, got none from {step.start_deg:g} to "
            f"{step.start_deg + step.arc_deg:g} degrees"
        )
    kept = np.zeros_like(state.kept)
    kept[chosen] = True
    note = f"{len(chosen)} of {len(kept)} views kept: {step.arc_deg:g} degrees from {step.start_deg:g}"
    if step.every > 1:
        note += f", every {step.every} views"
    return replace(state, kept=kept, notes=(*state.notes, note), retrospective=True)

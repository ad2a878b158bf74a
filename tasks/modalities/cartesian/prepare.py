"""Prepare: crop, whiten, compress, undersample, in the recipe's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.prepare import CompressCoils, Crop, PrepareStep, Undersample, Whiten
from proxflow.configs.prepare_published import PublishedSampling
from proxflow.data.kspace import Geometry
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.calibration.coil_compression import apply_coil_matrix
from proxflow.operators.fourier import fft2c, ifft2c
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.noise import noise_level
from proxflow.tasks.modalities.cartesian.published_sampling import published_mask
from proxflow.tasks.modalities.cartesian.undersampling import undersampling_mask
from proxflow.tasks.modalities.coil_steps import WHITENED, compression, mixed_noise, whitening
from proxflow.tasks.stages.documents import geometry_from_json, geometry_to_json
from proxflow.tasks.stages.planes import copy_rows

ItemMap = Callable[[Tensor], Tensor]  # (coil, ky, kx) -> (coil', ky', kx')


@dataclass(frozen=True)
class Preparation:
    """What the steps so far make of a scan; samples are only touched when the items are written."""

    shape: tuple[int, int, int, int]  # (item, coil, ky, kx)
    measured: np.ndarray  # bool (item, ky, kx): what the scanner sampled
    kept: np.ndarray  # bool (item, ky, kx): what the method is given
    geometry: Geometry
    noise: Tensor | None  # complex (coil, n)
    maps: tuple[ItemMap, ...] = ()
    notes: tuple[str, ...] = ()
    whitened: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def then(self, item_map: ItemMap, note: str, **changes: Any) -> Preparation:
        return replace(self, maps=(*self.maps, item_map), notes=(*self.notes, note), **changes)

    def item(self, scan: Artefact, index: int) -> Tensor:
        """Prepared samples of one item, (coil, ky, kx)."""
        samples = torch.from_numpy(scan.rows("samples", index, index + 1)[0])
        for item_map in self.maps:
            samples = item_map(samples)
        return samples


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` (item, coil, ky, kx), all that was measured; ``measured`` and ``mask`` bool
    (item, ky, kx), the latter what the method is given; ``reference`` if the scan has one; document
    ``scan`` with geometry, notes, acceleration and the noise standard deviation.

    Raises RequestError where a step does not fit the scan.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    measured = scan.array("mask")
    state = Preparation(
        shape=scan.shape("samples"),  # type: ignore[arg-type]
        measured=measured,
        kept=measured,
        geometry=geometry_from_json(document["geometry"]),
        noise=torch.from_numpy(scan.array("noise")) if "noise" in scan else None,
    )
    for step in steps:
        state = apply_step(step, state, scan)
    writer.create("samples", state.shape, np.complex64)
    estimates = []
    for index in range(state.shape[0]):
        samples = state.item(scan, index)
        estimates.append(noise_level(samples, state.measured[index], state.noise, state.whitened))
        writer.append("samples", samples.numpy()[None])
    writer.write("measured", state.measured)
    writer.write("mask", state.kept)
    if "reference" in scan:
        copy_rows("reference", scan, writer)
    document |= {
        "geometry": geometry_to_json(state.geometry),
        "notes": [*document["notes"], *state.notes],
        "acceleration": acceleration(state.kept),
        "noise_std": [level for level, _ in estimates],
        "noise_source": estimates[0][1],
        "retrospective": bool((state.kept != state.measured).any()),
        "acs": state.facts.get("acs"),
        "planes": 1,
    }
    writer.document("scan", document)


def apply_step(step: PrepareStep, state: Preparation, scan: Artefact) -> Preparation:
    """What one more step makes of the scan; RequestError where it does not fit."""
    if isinstance(step, Crop):
        return _crop(step, state)
    if isinstance(step, Whiten):
        return _whiten(state)
    if isinstance(step, CompressCoils):
        return _compress(step, state, scan)
    if isinstance(step, PublishedSampling):
        mask, done = published_mask(step, state.shape[2:])
        return _undersampled(step.kind, mask, done, state)  # its centre, if any, is found by calibrate
    assert isinstance(step, Undersample), step  # the recipe was held against the kind of scan
    return _undersample(step, state)


def _crop(step: Crop, state: Preparation) -> Preparation:
    old, new = state.shape[2:], step.matrix
    for axis, name in enumerate(("y", "x")):
        if new[axis] > old[axis]:
            raise RequestError(
                f"prepare crop matrix must fit in {old[0]} x {old[1]}, got {new[0]} x {new[1]}"
            )
        varies = (state.kept != np.take(state.kept, [0], axis=axis + 1)).any()
        if new[axis] < old[axis] and varies:
            raise RequestError(f"prepare crop must be along fully sampled axes, got undersampled k{name}")
    start = [o // 2 - n // 2 for o, n in zip(old, new, strict=True)]
    window = (..., slice(start[0], start[0] + new[0]), slice(start[1], start[1] + new[1]))
    masks = [_resample(mask, old, new) for mask in (state.measured, state.kept)]
    extent = state.geometry.field_of_view_mm
    matrix = (min(state.geometry.matrix[0], new[0]), min(state.geometry.matrix[1], new[1]))
    if extent is not None:
        shrink = [m / o for m, o in zip(matrix, state.geometry.matrix, strict=True)]
        extent = (extent[0], extent[1] * shrink[0], extent[2] * shrink[1])
    affine = state.geometry.affine_for(matrix)
    geometry = replace(
        state.geometry,
        matrix=matrix,
        field_of_view_mm=extent,
        affine=None if affine is None else tuple(tuple(row) for row in affine.tolist()),
    )
    return state.then(
        lambda samples: fft2c(ifft2c(samples)[window]).contiguous(),
        f"cropped to {new[0]} x {new[1]} of {old[0]} x {old[1]}",
        shape=(*state.shape[:2], *new),
        measured=masks[0],
        kept=masks[1],
        geometry=geometry,
    )


def _resample(mask: np.ndarray, old: tuple[int, ...], new: tuple[int, int]) -> np.ndarray:
    """A mask that is constant along each cropped axis, at the new size of that axis."""
    for axis in (0, 1):
        if new[axis] != old[axis]:
            mask = np.repeat(np.take(mask, [0], axis=axis + 1), new[axis], axis=axis + 1)
    return mask


def _whiten(state: Preparation) -> Preparation:
    matrix = whitening(state.noise)
    return state.then(
        lambda samples: apply_coil_matrix(matrix, samples),
        WHITENED,
        noise=mixed_noise(matrix, state.noise),
        whitened=True,
    )


def _compress(step: CompressCoils, state: Preparation, scan: Artefact) -> Preparation:
    middle = state.shape[0] // 2
    samples = state.item(scan, middle) * torch.from_numpy(state.kept[middle])
    matrix, note = compression(step, samples)
    return state.then(
        lambda samples: apply_coil_matrix(matrix, samples),
        note,
        shape=(state.shape[0], step.n_coils, *state.shape[2:]),
        noise=mixed_noise(matrix, state.noise),
    )


def _undersample(step: Undersample, state: Preparation) -> Preparation:
    ny, nx = state.shape[2:]
    mask = undersampling_mask(step, (ny, nx))
    pattern = step.pattern.replace("_", " ")
    done = f"{pattern}, R = {acceleration(mask):.3f}, seed {step.seed}"
    return _undersampled(step.kind, mask, done, state, acs=list(step.acs))


def _undersampled(
    kind: str, mask: np.ndarray, done: str, state: Preparation, acs: list[int] | None = None
) -> Preparation:
    """The scan with ``mask``, in words ``done``; RequestError where some of it was not measured."""
    missing = mask & ~state.kept.all(0)
    if missing.any():
        raise RequestError(
            f"prepare {kind} must keep measured samples only, but {int(missing.sum())} of its "
            f"{int(mask.sum())} positions were not measured"
        )
    return replace(
        state,
        kept=np.broadcast_to(mask, state.kept.shape).copy(),
        facts={**state.facts, "acs": acs},
        notes=(*state.notes, f"retrospectively undersampled: {done}"),
    )

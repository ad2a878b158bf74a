"""Prepare a non-Cartesian scan: coils, and the spokes that a method is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.image import ImageConfig
from proxflow.configs.prepare import CompressCoils, KeepSpokes, PrepareStep, Whiten
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.calibration.coil_compression import apply_coil_matrix
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.coil_steps import WHITENED, compression, mixed_noise, whitening
from proxflow.tasks.modalities.radial.noise import noise_level
from proxflow.tasks.modalities.radial.spokes import chosen_spokes, widest_gap_rad
from proxflow.tasks.stages.documents import geometry_from_json, geometry_to_json
from proxflow.tasks.stages.planes import copy_rows

ItemMap = Callable[[Tensor], Tensor]  # (coil, spoke, readout) -> (coil', spoke, readout)


@dataclass(frozen=True)
class Preparation:
    """What the steps so far make of a scan; samples are only touched when the items are written."""

    n_coils: int
    kept: np.ndarray  # bool (spoke,)
    noise: Tensor | None  # complex (coil, n)
    maps: tuple[ItemMap, ...] = ()
    notes: tuple[str, ...] = ()
    whitened: bool = False

    def then(self, item_map: ItemMap, note: str, **changes: Any) -> Preparation:
        return replace(self, maps=(*self.maps, item_map), notes=(*self.notes, note), **changes)

    def item(self, scan: Artefact, index: int) -> Tensor:
        """Prepared samples of one item, (coil, spoke, readout)."""
        samples = torch.from_numpy(scan.rows("samples", index, index + 1)[0])
        for item_map in self.maps:
            samples = item_map(samples)
        return samples


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` complex64 (item, coil, spoke, readout), ``trajectory`` (spoke, readout, 2) as
    (ky, kx) in cycles per field of view of the image, ``mask`` bool (spoke, readout), the samples a method
    is given; document ``scan``.

    Raises RequestError where a step does not fit the scan.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    n_items, n_coils, n_spokes, n_readout = scan.shape("samples")
    noise = torch.from_numpy(scan.array("noise")) if "noise" in scan else None
    state = Preparation(n_coils, np.ones(n_spokes, dtype=np.bool_), noise)
    for step in steps:
        state = apply_step(step, state, scan)
    config = ImageConfig.model_validate(context.config["image"])
    measured = geometry_from_json(document["geometry"])
    geometry = image_geometry(config, measured)
    writer.create("samples", (n_items, state.n_coils, n_spokes, n_readout), np.complex64)
    levels = []
    for index in range(n_items):
        samples = state.item(scan, index)
        levels.append(noise_level(samples, state.noise, state.whitened))
        writer.append("samples", samples.numpy()[None])
    trajectory = scan.array("trajectory")
    half = np.array(geometry.matrix) / 2
    inside = (np.abs(trajectory) <= half).all(axis=-1)  # a smaller matrix has less of k-space
    writer.write("trajectory", trajectory)
    writer.write("mask", state.kept[:, None] & inside)
    if "reference" in scan and scan.shape("reference")[1:] == geometry.matrix:
        copy_rows("reference", scan, writer)
    kept, nyquist = int(state.kept.sum()), np.pi / 2 * max(geometry.matrix)
    writer.document(
        "scan",
        document
        | {
            "geometry": geometry_to_json(geometry),
            "planes": 1,
            "notes": [
                *document["notes"],
                *state.notes,
                f"{kept} spokes: a matrix of {max(geometry.matrix)} needs {nyquist / kept:.3g} times as many",
            ],
            "acceleration": nyquist / kept,
            "noise_std": [level for level, _ in levels],
            "noise_source": levels[0][1],
            "retrospective": not bool(state.kept.all()),
        },
    )


def image_geometry(config: ImageConfig, measured: Geometry) -> Geometry:
    """The image asked for. Its field of view is the scan's: the trajectory is stated in it."""
    if config.voxel_mm is not None or config.centre_mm is not None:
        raise RequestError("image must give matrix alone for mri-radial: the field of view is the scan's")
    if config.matrix is None:
        return measured
    if len(config.matrix) != 2:
        raise RequestError(f"image.matrix must be (y, x) for mri-radial, got {list(config.matrix)}")
    return replace(measured, matrix=(config.matrix[0], config.matrix[1]), affine=None)


def apply_step(step: PrepareStep, state: Preparation, scan: Artefact) -> Preparation:
    """What one more step makes of the scan; RequestError where it does not fit."""
    if isinstance(step, Whiten):
        return _whiten(state)
    if isinstance(step, CompressCoils):
        return _compress(step, state, scan)
    assert isinstance(step, KeepSpokes), step  # the recipe was held against the kind of scan
    return _keep_spokes(step, state, scan.array("trajectory"))


def _whiten(state: Preparation) -> Preparation:
    matrix = whitening(state.noise)
    return state.then(
        lambda samples: apply_coil_matrix(matrix, samples),
        WHITENED,
        noise=mixed_noise(matrix, state.noise),
        whitened=True,
    )


def _compress(step: CompressCoils, state: Preparation, scan: Artefact) -> Preparation:
    samples = state.item(scan, scan.shape("samples")[0] // 2)[:, torch.from_numpy(state.kept)]
    matrix, note = compression(step, samples)
    return state.then(
        lambda samples: apply_coil_matrix(matrix, samples),
        note,
        n_coils=step.n_coils,
        noise=mixed_noise(matrix, state.noise),
    )


def _keep_spokes(step: KeepSpokes, state: Preparation, trajectory: np.ndarray) -> Preparation:
    candidates = np.flatnonzero(state.kept)
    if len(candidates) < step.n_spokes:
        raise RequestError(
            f"prepare keep_spokes n_spokes must be at most {len(candidates)}, got {step.n_spokes}"
        )
    chosen = chosen_spokes(trajectory, candidates, step.n_spokes, step.which)
    kept = np.zeros_like(state.kept)
    kept[chosen] = True
    how = "spread over their angles" if step.which == "spread" else "the first"
    gap = np.rad2deg(widest_gap_rad(trajectory[chosen]))
    note = f"{len(chosen)} of {len(kept)} spokes kept, {how}; the widest gap is {gap:.3g} degrees"
    return replace(state, kept=kept, notes=(*state.notes, note))

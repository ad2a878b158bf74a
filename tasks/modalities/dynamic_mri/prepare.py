"""Prepare a series of MRI frames: coils, frames, and the samples that a method is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.image import ImageConfig
from proxflow.configs.prepare import (
    BinSpokes,
    CompressCoils,
    KeepSpokes,
    PrepareStep,
    UndersampleFrames,
    Whiten,
)
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.calibration.coil_compression import apply_coil_matrix
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.coil_steps import WHITENED, compression, mixed_noise, whitening
from proxflow.tasks.modalities.dynamic_mri.frame_steps import bin_spokes, kept_spokes, undersampled_frames
from proxflow.tasks.modalities.dynamic_mri.noise import series_noise
from proxflow.tasks.modalities.dynamic_mri.sampling import sampling_facts
from proxflow.tasks.modalities.radial.prepare import image_geometry
from proxflow.tasks.stages.documents import geometry_from_json, geometry_to_json
from proxflow.tasks.stages.planes import copy_rows

SeriesMap = Callable[[Tensor], Tensor]  # (frame, coil, ...) -> (frame', coil', ...)


@dataclass(frozen=True)
class Preparation:
    """What the steps so far make of a scan; samples are only touched when the series are written.

    Attributes:
        shape: of one series: (frame, coil, spoke, readout) or (frame, coil, ky, kx).
        measured, kept: bool (frame, spoke) or (frame, ky, kx): what the scanner sampled, and what of it a
            method is given.
        trajectory: (frame, spoke, readout, 2), or None.
        mixing: the matrix (coil', coil) of all steps on the coils, or None.
        reference: whether the images that came with the scan still are of these frames.
    """

    shape: tuple[int, ...]
    measured: np.ndarray
    kept: np.ndarray
    trajectory: np.ndarray | None
    frames: tuple[str, ...]
    noise: Tensor | None
    reference: bool
    mixing: Tensor | None = None
    maps: tuple[SeriesMap, ...] = ()
    notes: tuple[str, ...] = ()
    whitened: bool = False
    acs: tuple[int, int] | None = None

    def noted(self, note: str, **changes: Any) -> Preparation:
        return replace(self, notes=(*self.notes, note), **changes)

    def mixed(self, matrix: Tensor, note: str, **changes: Any) -> Preparation:
        """The coils through ``matrix``."""
        return self.noted(
            note,
            maps=(*self.maps, lambda samples: apply_coil_matrix(matrix, samples)),
            shape=(self.shape[0], len(matrix), *self.shape[2:]),
            noise=mixed_noise(matrix, self.noise),
            mixing=matrix if self.mixing is None else matrix @ self.mixing.to(matrix.dtype),
            **changes,
        )

    def series(self, scan: Artefact, item: int) -> Tensor:
        """Prepared samples of one series."""
        samples = torch.from_numpy(scan.rows("samples", item, item + 1)[0])
        for series_map in self.maps:
            samples = series_map(samples)
        return samples


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` complex64 (item, frame, coil, ...), ``trajectory`` (frame, spoke, readout, 2) of
    spokes, ``measured`` and ``mask`` bool (frame, spoke) or (frame, ky, kx), what was sampled and what a
    method is given; ``coil_maps`` and ``reference`` if the scan has any; document ``scan``.

    Raises RequestError where a step does not fit the scan.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    state = _as_measured(scan, document)
    for step in steps:
        state = apply_step(step, state, scan)
    given = geometry_from_json(document["geometry"])
    geometry = _image(ImageConfig.model_validate(context.config["image"]), given, state)
    state = _cut_readouts(state, geometry)
    levels = []
    for item in range(scan.shape("samples")[0]):
        samples = state.series(scan, item)
        levels.append(series_noise(samples, state.measured, state.noise, state.whitened))
        if item == 0:
            writer.create("samples", (scan.shape("samples")[0], *samples.shape), np.complex64)
        writer.append("samples", samples.to(torch.complex64).numpy()[None])
    for name in ("measured", "kept", "trajectory"):
        array = getattr(state, name)
        if array is not None:
            writer.write("mask" if name == "kept" else name, array)
    _write_companions(scan, state, geometry, writer)
    frame_slices = tuple(number for number in geometry.slices for _ in state.frames)
    facts, note = sampling_facts(state.kept, geometry.matrix, spokes=state.trajectory is not None)
    writer.document(
        "scan",
        document
        | facts
        | {
            "geometry": geometry_to_json(replace(geometry, slices=frame_slices)),
            "notes": [*document["notes"], *state.notes, note],
            "noise_std": [level for level, _ in levels],
            "noise_source": levels[0][1],
            "retrospective": bool((state.kept != state.measured).any()),
            "acs": state.acs,
            "planes": state.shape[0],
            "frames": list(state.frames),
        },
    )


def _as_measured(scan: Artefact, document: dict[str, Any]) -> Preparation:
    shape, views = scan.shape("samples")[1:], scan.array("mask")
    labels = document["frame_labels"] or [f"frame {frame}" for frame in range(shape[0])]
    return Preparation(
        shape=shape,
        measured=views,
        kept=views,
        trajectory=scan.array("trajectory") if "trajectory" in scan else None,
        frames=tuple(labels),
        noise=torch.from_numpy(scan.array("noise")) if "noise" in scan else None,
        reference="reference" in scan,
    )


def apply_step(step: PrepareStep, state: Preparation, scan: Artefact) -> Preparation:
    """What one more step makes of the scan; RequestError where it does not fit."""
    if isinstance(step, Whiten):
        return state.mixed(whitening(state.noise), WHITENED, whitened=True)
    if isinstance(step, CompressCoils):
        matrix, note = compression(step, _given_samples(state, scan))
        return state.mixed(matrix, note)
    if isinstance(step, UndersampleFrames):
        _refuse_spokes(step.kind, state)
        kept, note = undersampled_frames(step, state.kept)
        return state.noted(note, kept=kept, acs=step.acs)
    assert isinstance(step, BinSpokes | KeepSpokes), step  # the recipe was held against the kind of scan
    if state.trajectory is None:
        raise RequestError(f"prepare {step.kind} must have a scan along spokes, got one on a grid")
    if isinstance(step, KeepSpokes):
        kept, note = kept_spokes(step, state.kept, state.trajectory)
        return state.noted(note, kept=kept)
    return _bin(step, state, state.trajectory)


def _refuse_spokes(kind: str, state: Preparation) -> None:
    if state.trajectory is not None:
        raise RequestError(
            f"prepare {kind} must have a scan on a grid, got one along spokes; keep_spokes is for them"
        )


def _bin(step: BinSpokes, state: Preparation, trajectory: np.ndarray) -> Preparation:
    n = step.spokes_per_frame
    n_spokes = state.shape[0] * state.shape[2]
    n_frames = n_spokes // n
    if not n_frames:
        raise RequestError(
            f"prepare bin_spokes spokes_per_frame must be at most {n_spokes}, the spokes there are, got {n}"
        )
    rest = n_spokes - n_frames * n
    left = f", the last {rest} left out" if rest else ""
    return state.noted(
        f"{n_spokes} spokes cut into {n_frames} frames of {n}{left}",
        maps=(*state.maps, lambda samples: bin_spokes(samples.movedim(0, 1), n, axis=1).movedim(1, 0)),
        shape=(n_frames, state.shape[1], n, state.shape[3]),
        trajectory=bin_spokes(torch.from_numpy(trajectory), n, axis=0).numpy(),
        measured=bin_spokes(torch.from_numpy(state.measured), n, axis=0).numpy(),
        kept=bin_spokes(torch.from_numpy(state.kept), n, axis=0).numpy(),
        frames=tuple(f"spokes {n * t} to {n * t + n - 1}" for t in range(n_frames)),
        reference=state.reference and n_frames == state.shape[0],
    )


def _given_samples(state: Preparation, scan: Artefact) -> Tensor:
    """Samples (coil, n) of the middle series that a method is given, in all of its frames."""
    series = state.series(scan, scan.shape("samples")[0] // 2).movedim(0, 1)
    return series[:, torch.from_numpy(state.kept)].flatten(1)


def _image(config: ImageConfig, measured: Geometry, state: Preparation) -> Geometry:
    if state.trajectory is None and config != ImageConfig():
        raise RequestError("image must be left out: a scan on a grid fixes its image")
    return image_geometry(config, measured)


def _cut_readouts(state: Preparation, geometry: Geometry) -> Preparation:
    """Without the columns of the readouts that leave the k-space of the image: a smaller one has less."""
    if state.trajectory is None:
        return state
    inside = (np.abs(state.trajectory) <= np.array(geometry.matrix) / 2).all(axis=(0, 1, 3))
    if inside.all():
        return state
    if not inside.any():
        raise RequestError(f"image.matrix must hold a sample of every spoke, got {list(geometry.matrix)}")
    columns = torch.from_numpy(np.flatnonzero(inside))
    return replace(
        state,
        maps=(*state.maps, lambda samples: samples[..., columns]),
        shape=(*state.shape[:3], len(columns)),
        trajectory=state.trajectory[:, :, inside],
    )


def _write_companions(scan: Artefact, state: Preparation, geometry: Geometry, writer: ArtefactWriter) -> None:
    if "coil_maps" in scan:
        for item in range(scan.shape("coil_maps")[0]):
            maps = torch.from_numpy(scan.rows("coil_maps", item, item + 1)[0]).to(torch.complex64)
            maps = maps if state.mixing is None else apply_coil_matrix(state.mixing, maps)
            if item == 0:
                writer.create("coil_maps", (scan.shape("coil_maps")[0], *maps.shape), np.complex64)
            writer.append("coil_maps", maps.numpy()[None])
    if state.reference and (state.trajectory is None or scan.shape("reference")[2:] == geometry.matrix):
        copy_rows("reference", scan, writer)

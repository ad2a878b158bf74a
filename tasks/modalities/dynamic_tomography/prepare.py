"""Prepare a series of projections: which of its frames are reconstructed, and on which grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import TypeAdapter

from proxflow.configs.image import ImageConfig
from proxflow.configs.prepare import KeepFrames, PrepareStep
from proxflow.data.dynamic_sinogram import FrameGeometry
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.tomography.noise import detector_noise_std
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.dynamic_tomography.geometry import (
    frame_geometry_from_json,
    frame_geometry_to_json,
    parallel,
)
from proxflow.tasks.modalities.tomography.geometry import image_geometry, with_unit
from proxflow.tasks.stages.documents import geometry_to_json


def prepare(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` float32 (item, frame, view, column), attenuation of the frames kept; ``mask`` bool
    (frame, view), the views a method is given; ``reference`` (item, frame, y, x) where the scan has one with
    the image's pixels; document ``scan``.

    Raises RequestError where a step does not fit.
    """
    steps = TypeAdapter(tuple[PrepareStep, ...]).validate_python(context.config["steps"])
    scan = context.inputs["scan"]
    document = scan.document("scan")
    geometry, notes = _in_mm(frame_geometry_from_json(document["acquisition"]))
    n_items, n_frames, n_views, n_columns = scan.shape("samples")
    frames = np.arange(n_frames)
    for step in steps:
        assert isinstance(step, KeepFrames), step  # the recipe was held against the kind of scan
        frames, note = _keep_frames(step, frames)
        notes = [*notes, note]
    geometry = replace(geometry, angles_rad=geometry.angles_rad[frames])
    writer.create("samples", (n_items, len(frames), n_views, n_columns), np.float32)
    levels = []
    for index in range(n_items):
        samples = scan.rows("samples", index, index + 1)[0][frames].astype(np.float32)
        levels.append(detector_noise_std(samples))
        writer.append("samples", samples[None])
    writer.write("mask", np.ones((len(frames), n_views), dtype=np.bool_))
    config = ImageConfig.model_validate(context.config["image"])
    image = image_geometry(config, parallel(geometry), (n_views, n_columns), n_items * len(frames))
    slices = tuple(item for item in range(n_items) for _ in frames)  # frames of a series share its slice
    if "reference" in scan:
        notes = [*notes, *_write_reference(scan, image, frames, writer)]
    writer.document(
        "scan",
        document
        | {
            "acquisition": frame_geometry_to_json(geometry),
            "geometry": geometry_to_json(replace(image, slices=slices)),
            "planes": len(frames),
            "notes": [*document["notes"], *notes],
            "acceleration": None,
            "noise_std": levels,
            "noise_source": "from fourth differences along the detector, where it is quietest",
            "retrospective": False,
        },
    )


def _in_mm(geometry: FrameGeometry) -> tuple[FrameGeometry, list[str]]:
    """The geometry with a column size, and a note where the file does not tell it."""
    known, notes = with_unit(parallel(geometry))
    return replace(geometry, column_size_mm=known.column_size_mm), notes


def _keep_frames(step: KeepFrames, frames: np.ndarray) -> tuple[np.ndarray, str]:
    if step.n_frames is not None and step.n_frames > len(frames):
        raise RequestError(f"prepare keep_frames n_frames must be at most {len(frames)}, got {step.n_frames}")
    kept = frames[: step.n_frames][:: step.every]
    note = f"{len(kept)} of {len(frames)} frames kept"
    if step.n_frames is not None:
        note += f", of the first {step.n_frames}"
    if step.every > 1:
        note += f", every {step.every} frames"
    return kept, note


def _write_reference(
    scan: Artefact, image: Geometry, frames: np.ndarray, writer: ArtefactWriter
) -> list[str]:
    """Copy the reference of these frames where it has the image's pixels; else a note that it has not."""
    shape, pixel = scan.shape("reference"), scan.document("scan")["image_pixel_mm"]
    voxel = image.voxel_size_mm
    same = pixel is None or (voxel is not None and bool(np.isclose(pixel, voxel[2], rtol=1e-3)))
    if shape[2:] != image.matrix or not same:
        of = f" of {pixel:g} mm" if pixel is not None else ""
        return [
            f"the scan's reference of {shape[2]} x {shape[3]} pixels{of} is not compared with: the image has "
            "other pixels"
        ]
    writer.create("reference", (shape[0], len(frames), *shape[2:]), np.float32)
    for index in range(shape[0]):
        writer.append("reference", scan.rows("reference", index, index + 1)[:, frames].astype(np.float32))
    return []

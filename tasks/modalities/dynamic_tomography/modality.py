"""Dynamic tomography: a few projections of a changing object at every instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from proxflow.data.dynamic_sinogram import DynamicSinogram, FrameGeometry
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.frame_projections import FrameProjections
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.base import (
    Ingested,
    Modality,
    Pictures,
    Problem,
    Setting,
    Withheld,
    withheld_units,
)
from proxflow.tasks.modalities.dynamic_tomography.calibrate import calibrate, calibration_text
from proxflow.tasks.modalities.dynamic_tomography.geometry import frame_geometry_to_json, prepared_geometry
from proxflow.tasks.modalities.dynamic_tomography.prepare import prepare
from proxflow.tasks.modalities.dynamic_tomography.projector import calibrated_projections
from proxflow.tasks.stages.documents import geometry_from_json
from proxflow.tasks.stages.precision import REAL


@dataclass(frozen=True)
class SeriesProblem:
    """samples: real (frame, view, column), all views; mask: bool (frame, view)."""

    samples: Tensor
    mask: Tensor
    norm: float
    operator: FrameProjections

    def posed(self, mask: Tensor) -> tuple[FrameProjections, Tensor]:
        operator = self.operator.with_mask(mask)
        return operator, operator.masked(self.samples)

    def count(self, mask: Tensor) -> int:
        return int(mask.sum()) * self.samples.shape[-1]


class DynamicTomography(Modality):
    """Artefacts: samples (item, frame, view, column), mask (frame, view); an image's planes are frames."""

    region_text = "the disc that every view sees"
    empty_region_text = "which no view sees as a whole"
    misfit_text = (
        "noise dominates, the angles are wrong, or the object changes more than the method can follow"
    )
    unit = "1/mm"
    value_bytes = 4
    calibrates_items = False
    series = True

    def __init__(self) -> None:
        self._operators: WeakKeyDictionary[Artefact, FrameProjections] = WeakKeyDictionary()

    def measured_text(self, prepared: Artefact) -> str:
        _, n_frames, n_views, n_columns = prepared.shape("samples")
        views = "1 view" if n_views == 1 else f"{n_views} views"
        return f"{n_frames} frames, {views} of {n_columns} columns each"

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, DynamicSinogram)
        rows: dict[str, np.ndarray] = {"samples": measurement.samples}
        if measurement.reference is not None:
            rows["reference"] = measurement.reference
        return Ingested(rows, {}, {"image_pixel_mm": measurement.image_pixel_mm})

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        assert isinstance(info.acquisition, FrameGeometry)
        return {"acquisition": frame_geometry_to_json(info.acquisition), "quantity": info.quantity}

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        if calibrated not in self._operators:  # one for all items, as long as the artefact is in use
            self._operators[calibrated] = calibrated_projections(prepared, calibrated)
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        return SeriesProblem(
            samples.to(setting.device, REAL[setting.precision]),
            torch.from_numpy(prepared.array("mask")).to(setting.device),
            calibrated.document("calibration")["norm"],
            self._operators[calibrated].to(setting.device),
        )

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Whole views, of any frames; a frame may lose all it has."""
        return withheld_units(problem.mask, fraction, seed)

    def operator_bytes(self, problem: Problem) -> int:
        """Its kernels' numbers; it forms no matrix."""
        operator, _ = problem.posed(problem.mask)
        assert isinstance(operator, FrameProjections)
        return operator.held_bytes

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        """The disc that the detector covers at every angle, as far as the image holds it."""
        made, image = calibrated.document("calibration"), geometry_from_json(_document(prepared)["geometry"])
        n_columns, voxel = prepared.shape("samples")[-1], image.voxel_size_mm
        column = prepared_geometry(prepared).column_size_mm
        assert voxel is not None and column is not None
        axis = made["axis_column"]
        reach = (min(axis, n_columns - 1 - axis) + 0.5) * column
        on_pixel = made["model"] == "bilinear"
        y, x = (np.arange(n) - (n // 2 if on_pixel else (n - 1) / 2) for n in shape)
        inside = np.hypot(y[:, None] * voxel[1], x * voxel[2]) <= reach
        edge = np.hypot(y[:, None] / (shape[0] / 2), x / (shape[1] / 2)) <= 1
        return np.asarray(inside & edge)[None]

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        samples = prepared.rows("samples", 0, 1)[0]
        n_frames, n_views, n_columns = samples.shape
        each = "one view each" if n_views == 1 else f"{n_views} views each"
        return Pictures(
            samples=samples.reshape(-1, n_columns),
            samples_text=f"Projections in the order of time: {n_frames} frames down, {each}, {n_columns} "
            "columns across",
        )


def _document(prepared: Artefact) -> dict[str, Any]:
    document: dict[str, Any] = prepared.document("scan")
    return document

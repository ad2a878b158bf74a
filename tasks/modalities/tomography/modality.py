"""X-ray tomography: line integrals through an object, from many sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.methods.fbp import fbp
from proxflow.models.methods.fdk import fdk
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.sparse_projector import matrix_bytes
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import (
    Ingested,
    Modality,
    Pictures,
    Problem,
    Setting,
    Withheld,
    random_units,
)
from proxflow.tasks.modalities.tomography.calibrate import calibrate, calibration_text
from proxflow.tasks.modalities.tomography.geometry import (
    is_complete,
    scan_geometry_from_json,
    scan_geometry_to_json,
)
from proxflow.tasks.modalities.tomography.outline import labels_on_grid
from proxflow.tasks.modalities.tomography.prepare import prepare
from proxflow.tasks.modalities.tomography.projector import Projector, Projectors
from proxflow.tasks.stages.documents import geometry_from_json
from proxflow.tasks.stages.precision import REAL

BLOCK_BYTES = 64 << 20  # read from the file at once: rows of a detector lie scattered in it
RAY_BYTES = 96
BLOCK_SHARE = 4  # of the memory a run may take, a block is this part: it is copied while it is written


@dataclass(frozen=True)
class TomographyProblem:
    """samples: real (angle, column) or (row, angle, column), all views; mask: bool (angle,)."""

    samples: Tensor
    mask: Tensor
    norm: float
    projectors: Projectors

    def posed(self, mask: Tensor) -> tuple[Projector, Tensor]:
        operator = self.projectors.of(mask.cpu().numpy())
        if mask.all():
            return operator, self.samples
        return operator, self.samples.index_select(-2, torch.nonzero(mask).flatten())

    def count(self, mask: Tensor) -> int:
        return int(mask.sum()) * self.samples.numel() // self.samples.shape[-2]


class Tomography(Modality):
    """Artefacts: samples (item, angle, column) or (item, row, angle, column), mask (angle,)."""

    region_text = "the disc that every view sees"
    empty_region_text = "which no view sees as a whole"
    misfit_text = "noise dominates, or the angles, the axis of rotation or the distances are wrong"
    unit = "1/mm"
    value_bytes = 4
    calibrates_items = False

    def __init__(self) -> None:
        self._projectors: WeakKeyDictionary[Artefact, dict[Machine, Projectors]] = WeakKeyDictionary()

    def measured_text(self, prepared: Artefact) -> str:
        shape, mask = prepared.shape("samples"), prepared.array("mask")
        beam = prepared.document("scan")["acquisition"]["beam"]
        views = f"{int(mask.sum())}" if mask.all() else f"{int(mask.sum())} of {len(mask)}"
        return f"{beam} beam, {views} views of {shape[-1]} columns"

    def block(self, info: ScanInfo, memory_bytes: int | None = None) -> int:
        values = int(np.prod(info.shape[1:], dtype=np.int64))
        most = BLOCK_BYTES if memory_bytes is None else min(BLOCK_BYTES, memory_bytes // BLOCK_SHARE)
        return max(1, most // (values * np.dtype(info.dtype).itemsize))

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, Sinogram)
        rows = {"samples": measurement.samples}
        for name in ("dark", "flat", "reference", "labels_image"):
            array = getattr(measurement, name)
            if array is not None:
                rows[name] = array
        return Ingested(rows, {}, {"image_pixel_mm": measurement.image_pixel_mm})

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        assert isinstance(info.acquisition, ScanGeometry)
        return {
            "acquisition": scan_geometry_to_json(info.acquisition),
            "quantity": info.quantity,
        }

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def check_method(self, method: str, scan: Mapping[str, Any]) -> None:
        beam = scan["acquisition"]["beam"]
        wanted = {"fbp": "parallel or fan", "fdk": "cone"}.get(method)
        if wanted is not None and (beam == "cone") != (method == "fdk"):
            raise RequestError(f"{method} must be of a {wanted} beam, got {beam}")

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        return TomographyProblem(
            samples.to(setting.device, REAL[setting.precision]),
            torch.from_numpy(prepared.array("mask")).to(setting.device),
            calibrated.document("calibration")["norm"],
            self._projectors_of(prepared, calibrated, setting.machine),
        )

    def _projectors_of(self, prepared: Artefact, calibrated: Artefact, machine: Machine) -> Projectors:
        """Those of the item before, as long as the artefact made from ``prepared`` is in use."""
        kept = self._projectors.setdefault(calibrated, {})
        if machine not in kept:
            kept[machine] = Projectors(prepared, calibrated, machine)
        return kept[machine]

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Whole views."""
        held = random_units(np.flatnonzero(problem.mask.cpu().numpy()), fraction, seed)
        judged = torch.zeros_like(problem.mask)
        judged[torch.from_numpy(held)] = True
        return Withheld(problem.mask & ~judged, judged)

    def operator_bytes(self, problem: Problem) -> int:
        """Six numbers a ray, and torch's copy of them; two entries a line met of a matrix."""
        operator, _ = problem.posed(problem.mask)
        if not isinstance(operator, ParallelBeam | FanBeam):
            return 0
        n_rays = operator.range_shape[0] * operator.range_shape[1]
        entries = 2 * operator.transform.n_interpolations if operator.backend == "matrix" else 0
        return matrix_bytes(entries, n_rays) + RAY_BYTES * n_rays

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        """The disc that the detector covers at every angle, as far as the image holds it."""
        scan, column = prepared.document("scan"), calibrated.document("calibration")["axis_column"]
        geometry, image = scan_geometry_from_json(scan["acquisition"]), geometry_from_json(scan["geometry"])
        n_columns, voxel = prepared.shape("samples")[-1], image.voxel_size_mm
        assert voxel is not None and geometry.column_size_mm is not None
        reach = (min(column, n_columns - 1 - column) + 0.5) * geometry.column_size_mm
        if geometry.source_origin_mm is not None and geometry.source_detector_mm is not None:
            angle = reach / geometry.source_detector_mm
            angle = angle if geometry.beam == "fan-curved" else float(np.arctan(angle))
            reach = geometry.source_origin_mm * float(np.sin(angle))
        y, x = (np.arange(n) - (n - 1) / 2 for n in shape)
        inside = np.hypot(y[:, None] * voxel[1], x * voxel[2]) <= reach
        edge = np.hypot(y[:, None] / (shape[0] / 2), x / (shape[1] / 2)) <= 1
        return np.asarray(inside & edge)[None]

    def complete(self, prepared: Artefact) -> bool:
        geometry = scan_geometry_from_json(prepared.document("scan")["acquisition"])
        return is_complete(geometry, prepared.shape("samples")[-1])

    def full_image(self, prepared: Artefact, calibrated: Artefact, item: int) -> np.ndarray:
        problem = self.problem(prepared, calibrated, item, Setting())
        operator, y = problem.posed(torch.ones_like(problem.mask))
        method = fdk if isinstance(operator, ConeBeam) else fbp
        image: np.ndarray = method(operator, y).image.numpy()
        return image

    def reference_text(self) -> str:
        return "Reference: filtered back-projection of all measured views."

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        samples, mask = prepared.rows("samples", 0, 1)[0], prepared.array("mask")
        samples = samples if samples.ndim == 2 else samples[len(samples) // 2]
        kept = "" if mask.all() else f"; the methods were given {int(mask.sum())} of these views"
        outline = None
        if "labels_image" in prepared:
            outline = labels_on_grid(prepared, items)
        return Pictures(
            samples=samples,
            samples_text=f"Sinogram: {samples.shape[0]} views down, {samples.shape[1]} columns across{kept}",
            outline=outline,
            outline_text="the segmentation that came with the scan",
        )

"""Still pictures: blurred, or measured by random combinations of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from proxflow.data.scan import Measurement
from proxflow.data.still_picture import StillPicture
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.base import LinearOperator
from proxflow.operators.diagonal import Diagonal
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
from proxflow.tasks.modalities.image.calibrate import calibrate, calibration_text
from proxflow.tasks.modalities.image.forward_model import acquisition_text, forward_model
from proxflow.tasks.modalities.image.prepare import prepare
from proxflow.tasks.stages.documents import geometry_from_json
from proxflow.tasks.stages.precision import REAL


@dataclass(frozen=True)
class ImageProblem:
    """samples: real (*range) of ``operator``; mask: bool (*range), single pixels or combinations of them."""

    samples: Tensor
    mask: Tensor
    norm: float
    operator: LinearOperator

    def posed(self, mask: Tensor) -> tuple[LinearOperator, Tensor]:
        if mask.all():
            return self.operator, self.samples
        return Diagonal(mask.to(self.samples.dtype)) @ self.operator, self.samples * mask

    def count(self, mask: Tensor) -> int:
        return int(mask.sum())


class StillImage(Modality):
    """Artefacts: samples (item, *range), mask (*range), reference (item, y, x) where it was simulated."""

    region_text = "every pixel"
    misfit_text = "noise dominates, or the picture was blurred in another way"
    scan_reference_text = "Reference: the picture itself, of which the measurements were simulated."
    value_bytes = 4
    calibrates_items = False

    def measured_text(self, prepared: Artefact) -> str:
        scan = prepared.document("scan")
        return acquisition_text(scan["acquisition"], geometry_from_json(scan["geometry"]).matrix)

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, StillPicture)
        return Ingested({"samples": measurement.samples}, {})

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        return ImageProblem(
            samples.to(setting.device, REAL[setting.precision]),
            torch.from_numpy(prepared.array("mask")).to(setting.device),
            calibrated.document("calibration")["norm"],
            _operator(prepared).to(setting.device),
        )

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Single pixels of a blurred picture, single combinations."""
        return withheld_units(problem.mask, fraction, seed)

    def operator_bytes(self, problem: Problem) -> int:
        """The kernel, or the numbers of random combinations."""
        operator, _ = problem.posed(problem.mask)
        return sum(buffer.nbytes for buffer in operator.buffers())

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        """The first picture as measured; of combinations, which show nothing, their adjoint."""
        samples = prepared.rows("samples", 0, 1)[0]
        if samples.ndim == 2:
            text = f"The blurred picture: {samples.shape[0]} x {samples.shape[1]} pixels"
            return Pictures(samples=samples, samples_text=text)
        adjoint = _operator(prepared).adjoint(torch.from_numpy(samples)).numpy()
        return Pictures(samples=adjoint, samples_text=f"The adjoint of {len(samples)} random combinations")


def _operator(prepared: Artefact) -> LinearOperator:
    scan = prepared.document("scan")
    return forward_model(scan["acquisition"], geometry_from_json(scan["geometry"]).matrix)

"""Cartesian MRI: samples on a grid of k-space, through several coils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from proxflow.data.kspace import KSpace
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.region import support_region
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import Ingested, Modality, Pictures, Problem, Setting, Withheld
from proxflow.tasks.modalities.cartesian.calibrate import calibrate, calibration_text
from proxflow.tasks.modalities.cartesian.held_out import held_out_samples
from proxflow.tasks.modalities.cartesian.prepare import prepare
from proxflow.tasks.modalities.cartesian.problem import CartesianProblem
from proxflow.tasks.stages.documents import geometry_to_json
from proxflow.tasks.stages.precision import COMPLEX


class Cartesian(Modality):
    """Artefacts: samples (item, coil, ky, kx), mask (item, ky, kx), maps (item, coil, y, x)."""

    region_text = "the object, where the coil maps are not zero"
    empty_region_text = "where the coil maps are zero everywhere"
    misfit_text = "noise, aliasing, or what the coil maps leave out, dominates"

    def measured_text(self, prepared: Artefact) -> str:
        _, n_coils, ny, nx = prepared.shape("samples")
        return f"{n_coils} coil{'s' * (n_coils > 1)}, k-space {ny} x {nx}"

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, KSpace)
        n_items = len(measurement.samples)
        mask = np.broadcast_to(measurement.mask, (n_items, *measurement.mask.shape[1:]))
        rows = {"samples": measurement.samples.astype(np.complex64, copy=False), "mask": mask}
        if measurement.reference is not None:
            rows["reference"] = measurement.reference
        return Ingested(rows, {} if measurement.noise is None else {"noise": measurement.noise})

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        assert info.geometry is not None
        return {"geometry": geometry_to_json(info.geometry.select(items))}

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        dtype = COMPLEX[setting.precision]

        def row(artefact: Artefact, name: str) -> torch.Tensor:
            return torch.from_numpy(artefact.rows(name, item, item + 1)[0]).to(setting.device)

        return CartesianProblem(
            row(prepared, "samples").to(dtype), row(prepared, "mask"), row(calibrated, "maps").to(dtype)
        )

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Samples outside the calibration region: the coil maps have seen that."""
        regions = calibrated.document("calibration")["acs"]
        acs = regions[item] if regions else [1, 1]
        mask = problem.mask.cpu().numpy()
        held = held_out_samples(mask, fraction=fraction, acs=(acs[0], acs[1]), seed=seed)
        if not held.any():
            raise RequestError(
                "evaluate.held_out_fraction must be 0 where no sample lies outside the calibration region, "
                f"got {fraction:g}"
            )
        judged = torch.from_numpy(held).to(problem.mask.device)
        return Withheld(problem.mask & ~judged, judged)

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        n_items = calibrated.shape("maps")[0]
        maps = (calibrated.rows("maps", item, item + 1) for item in range(n_items))
        return np.concatenate([support_region(one) for one in maps])

    def complete(self, prepared: Artefact) -> bool:
        return bool(prepared.array("measured").all())

    def full_image(self, prepared: Artefact, calibrated: Artefact, item: int) -> np.ndarray:
        maps = torch.from_numpy(calibrated.rows("maps", item, item + 1)[0])
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        everything = torch.ones(samples.shape[1:], dtype=torch.bool)
        return CartesianSense(everything, maps).adjoint(samples).numpy()

    def reference_text(self) -> str:
        return "Reference: all measured samples, combined with the same coil maps."

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        mask = prepared.rows("mask", 0, 1)[0]
        return Pictures(
            coil_maps=calibrated.rows("maps", 0, 1)[0],
            mask=mask,
            mask_text=f"{int(mask.sum())} of {mask.size} positions of k-space, R = {acceleration(mask):.3f}; "
            "ky down, kx across",
        )

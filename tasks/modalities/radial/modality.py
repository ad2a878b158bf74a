"""Non-Cartesian MRI: spokes, or other readouts along a trajectory, through several coils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.region import support_region
from proxflow.tasks.calls import StageContext
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
from proxflow.tasks.modalities.radial.calibrate import calibrate, calibration_text, item_problem
from proxflow.tasks.modalities.radial.prepare import prepare
from proxflow.tasks.stages.documents import geometry_to_json
from proxflow.tasks.stages.precision import COMPLEX


class Radial(Modality):
    """Artefacts: samples (item, coil, spoke, readout), trajectory (spoke, readout, 2), mask (spoke, readout),
    maps (item, coil, y, x)."""

    region_text = "the object, where the coil maps are not zero"
    empty_region_text = "where the coil maps are zero everywhere"
    misfit_text = "noise, aliasing, or what the coil maps leave out, dominates"

    def measured_text(self, prepared: Artefact) -> str:
        _, n_coils, n_spokes, n_readout = prepared.shape("samples")
        kept = int(prepared.array("mask").any(axis=1).sum())
        of = "" if kept == n_spokes else f" of {n_spokes}"
        return f"{n_coils} coil{'s' * (n_coils > 1)}, {kept}{of} spokes of {n_readout} samples"

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, RadialKSpace)
        rows: dict[str, np.ndarray] = {"samples": measurement.samples.astype(np.complex64, copy=False)}
        if measurement.reference is not None:
            rows["reference"] = measurement.reference
        once: dict[str, np.ndarray] = {"trajectory": measurement.trajectory.astype(np.float32, copy=False)}
        if measurement.noise is not None:
            once["noise"] = measurement.noise
        return Ingested(rows, once)

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        assert info.geometry is not None
        return {"geometry": geometry_to_json(info.geometry.select(items))}

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        maps = torch.from_numpy(calibrated.rows("maps", item, item + 1)[0]).to(setting.device)
        bare, dtype = item_problem(prepared, item, setting.device), COMPLEX[setting.precision]
        return replace(
            bare,
            samples=bare.samples.to(dtype),
            maps=maps.to(dtype),
            norm=calibrated.document("calibration")["norm"][item],
        )

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Whole spokes, judged outside the calibration region: the coil maps have seen that."""
        measured = problem.mask
        held = random_units(np.flatnonzero(measured.any(1).cpu().numpy()), fraction, seed)
        spokes = torch.zeros(len(measured), dtype=torch.bool)
        spokes[torch.from_numpy(held)] = True
        without = measured & ~spokes.to(measured.device)[:, None]
        radius = max(calibrated.document("calibration")["acs"]) / 2 + 1
        outside = problem.trajectory.norm(dim=-1) > radius  # type: ignore[attr-defined]
        judged = measured & ~without & outside
        if not judged.any():
            raise RequestError(
                "evaluate.held_out_fraction must be 0 where no sample lies outside the calibration region, "
                f"got {fraction:g}"
            )
        return Withheld(without, judged)

    def operator_bytes(self, problem: Problem) -> int:
        """The four Toeplitz spectra, the coil maps, and coil images while they are transformed."""
        operator, y = problem.posed(problem.mask)
        ny, nx = operator.domain_shape
        return y.element_size() * ny * nx * (4 + 6 * operator.range_shape[0])

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        n_items = calibrated.shape("maps")[0]
        maps = (calibrated.rows("maps", item, item + 1) for item in range(n_items))
        return np.concatenate([support_region(one) for one in maps])

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        samples = prepared.rows("samples", 0, 1)[0]
        kept = prepared.array("mask").any(axis=1)
        size = np.linalg.norm(samples[:, kept], axis=0)
        return Pictures(
            coil_maps=calibrated.rows("maps", 0, 1)[0],
            samples=np.log10(np.maximum(size, size.max() * 1e-5)),
            samples_text=f"k-space, log magnitude over all coils: {int(kept.sum())} spokes down, "
            f"{size.shape[1]} samples across",
        )

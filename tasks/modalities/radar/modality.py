"""Near-field radar: frequency responses between antennas around or in front of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proxflow.data.radar_cube import RadarCube
from proxflow.data.scan import Measurement
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.base import (
    Ingested,
    Modality,
    Pictures,
    Problem,
    Setting,
    Withheld,
    random_units,
)
from proxflow.tasks.modalities.radar.calibrate import calibrate, calibration_text, operator_of
from proxflow.tasks.modalities.radar.geometry import antennas_of, grid_of
from proxflow.tasks.modalities.radar.prepare import prepare
from proxflow.tasks.stages.precision import COMPLEX


@dataclass(frozen=True)
class RadarProblem:
    """samples: complex (frequency, pair); mask: bool (frequency, pair), whole pairs."""

    samples: Tensor
    mask: Tensor
    norm: float
    antennas: dict[str, Tensor]
    grid: VoxelGrid
    medium: dict[str, Any]
    memory_bytes: int | None

    def posed(self, mask: Tensor) -> tuple[NearFieldMimo, Tensor]:
        pairs = torch.nonzero(mask.any(dim=0)).flatten()
        operator = operator_of(self.antennas, self.grid, self.medium, pairs.cpu(), self.memory_bytes)
        return operator.to(self.samples.device), self.samples[:, pairs]

    def count(self, mask: Tensor) -> int:
        return int(mask.sum())


class Radar(Modality):
    """Artefacts: samples (item, frequency, pair), mask (frequency, pair), antennas in metres."""

    region_text = "every voxel"
    misfit_text = "noise dominates, the scene reaches beyond the box, or permittivity or antennas are wrong"
    decibels = 40.0
    calibrates_items = False
    projections = True

    def measured_text(self, prepared: Artefact) -> str:
        _, n_frequencies, n_pairs = prepared.shape("samples")
        low, high = prepared.array("frequencies_hz")[[0, -1]] / 1e9
        return f"{n_pairs} pairs of antennas, {n_frequencies} frequencies from {low:.4g} to {high:.4g} GHz"

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, RadarCube)
        rows = {"samples": measurement.samples.astype(np.complex64, copy=False)}
        if measurement.background is not None:
            rows["background"] = measurement.background.astype(np.complex64, copy=False)
        geometry = measurement.geometry
        once = {
            "transmitters_m": geometry.transmitters_m,
            "receivers_m": geometry.receivers_m,
            "pairs": geometry.pairs,
            "frequencies_hz": geometry.frequencies_hz,
        }
        if geometry.reference_range_m is not None:
            once["reference_range_m"] = geometry.reference_range_m
        return Ingested(rows, once)

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        made = calibrated.document("calibration")
        return RadarProblem(
            samples.to(setting.device, COMPLEX[setting.precision]),
            torch.from_numpy(prepared.array("mask")).to(setting.device),
            made["norm"],
            antennas_of(prepared),
            grid_of(prepared),
            made["medium"],
            setting.machine.memory_bytes,
        )

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Whole pairs of antennas: neighbouring frequencies of one pair say nearly the same."""
        measured = problem.mask
        held = random_units(np.flatnonzero(measured.any(0).cpu().numpy()), fraction, seed)
        judged = torch.zeros_like(measured)
        judged[:, torch.from_numpy(held)] = True
        return Withheld(measured & ~judged, measured & judged)

    def operator_bytes(self, problem: Problem) -> int:
        """Voxels' places and distances, and the antennas' factors as far as the operator keeps them."""
        operator, y = problem.posed(problem.mask)
        assert isinstance(operator, NearFieldMimo)
        antennas = len(operator.transmitters_m) + len(operator.receivers_m)
        n_voxels = operator.grid.n_voxels
        factors = y.element_size() * len(operator.frequencies_hz) * antennas * n_voxels
        return 8 * (antennas + 3) * n_voxels + min(operator.memory_bytes, factors)

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def findings(self, prepared: Artefact, image: Artefact) -> list[str]:
        """Where the largest magnitude of each scene lies."""
        scan, grid, found = prepared.document("scan"), grid_of(prepared), []
        nz = grid.shape[0]
        axes = [axis.numpy() * 1e3 for axis in grid.axes()]
        for item, label in enumerate(scan["labels"]):
            volume = np.abs(image.rows("image", item * nz, (item + 1) * nz))
            place = np.unravel_index(int(volume.argmax()), volume.shape)
            z, y, x = (float(axis[index]) for axis, index in zip(axes, place, strict=True))
            found.append(f"largest magnitude of {label} at (x, y, z) = ({x:.4g}, {y:.4g}, {z:.4g}) mm")
        return found

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        samples = np.abs(prepared.rows("samples", 0, 1)[0])
        antennas = [prepared.array(name) for name in ("transmitters_m", "receivers_m")]
        z, y, x = (1e3 * middle for middle in grid_of(prepared).centre_m)
        return Pictures(
            samples=20 * np.log10(np.maximum(samples, samples.max() * 1e-4)),
            samples_text=f"Frequency responses in dB: {samples.shape[0]} frequencies down, "
            f"{samples.shape[1]} pairs of antennas across",
            antennas_mm=1e3 * np.concatenate(antennas),
            centre_mm=(z, y, x),
        )

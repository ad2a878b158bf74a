"""MRI of an object that changes: a series of frames, sampled on a grid or along a few spokes each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.region import support_region
from proxflow.operators.frame_gridding import PRECISIONS
from proxflow.operators.frame_sense import FrameSenseCartesian
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.base import Ingested, Modality, Pictures, Problem, Setting, Withheld
from proxflow.tasks.modalities.dynamic_mri.calibrate import calibrate, calibration_text
from proxflow.tasks.modalities.dynamic_mri.held_out import held_out_points, held_out_spokes
from proxflow.tasks.modalities.dynamic_mri.prepare import prepare
from proxflow.tasks.modalities.dynamic_mri.problem import SeriesProblem, series_problem
from proxflow.tasks.stages.documents import geometry_to_json


class DynamicMri(Modality):
    """Artefacts: samples (item, frame, coil, spoke, readout) with trajectory (frame, spoke, readout, 2), or
    (item, frame, coil, ky, kx); mask (frame, spoke) or (frame, ky, kx); maps (item, coil, y, x)."""

    series = True
    region_text = "the object, where the coil maps are not zero"
    empty_region_text = "where the coil maps are zero everywhere"
    misfit_text = "noise, motion, aliasing, or what the coil maps leave out, dominates"

    def measured_text(self, prepared: Artefact) -> str:
        _, n_frames, n_coils, *plane = prepared.shape("samples")
        coils = f"{n_coils} coil{'s' * (n_coils > 1)}"
        frames = f"{n_frames} frame{'s' * (n_frames > 1)}"
        if "trajectory" not in prepared:
            return f"{frames}, {coils}, k-space {plane[0]} x {plane[1]}"
        each = prepared.array("mask").sum() / n_frames
        return f"{frames} of {each:.3g} spokes, {coils}, {plane[1]} samples a spoke"

    def arrays(self, measurement: Measurement) -> Ingested:
        assert isinstance(measurement, DynamicKSpace)
        n_items = len(measurement.samples)
        rows: dict[str, np.ndarray] = {"samples": measurement.samples.astype(np.complex64, copy=False)}
        if measurement.coil_maps is not None:
            maps = measurement.coil_maps.astype(np.complex64, copy=False)
            rows["coil_maps"] = np.broadcast_to(maps, (n_items, *maps.shape[1:]))
        if measurement.reference is not None:
            rows["reference"] = measurement.reference
        once: dict[str, np.ndarray] = {"mask": measurement.views}
        if measurement.trajectory is not None:
            once["trajectory"] = measurement.trajectory.astype(np.float32, copy=False)
        if measurement.noise is not None:
            once["noise"] = measurement.noise
        return Ingested(rows, once)

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        geometry = geometry_to_json(info.image_geometry.select(items))
        return {"geometry": geometry, "frame_labels": list(info.frame_labels)}

    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        prepare(context, writer)

    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        calibrate(context, writer)

    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        maps = calibrated.rows("maps", item, item + 1)[0]
        norm = calibrated.document("calibration")["norm"][item]
        return series_problem(prepared, maps, item, setting, norm)

    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Whole spokes of any frames; on a grid, samples of each frame outside the calibration region."""
        assert isinstance(problem, SeriesProblem)
        mask = problem.mask.cpu().numpy()
        if problem.trajectory is not None:
            held = held_out_spokes(mask, fraction, seed)
        else:
            regions = calibrated.document("calibration")["acs"]
            acs = regions[item] if regions else [1, 1]
            held = held_out_points(mask, fraction, (acs[0], acs[1]), seed)
        judged = torch.from_numpy(held).to(problem.mask.device)
        return Withheld(problem.mask & ~judged, judged)

    def operator_bytes(self, problem: Problem) -> int:
        """The coil maps and some coil images; of spokes the places and weights of every sample, too."""
        assert isinstance(problem, SeriesProblem)
        itemsize, n_maps = problem.samples.element_size(), problem.maps.numel()
        if problem.trajectory is None:
            return 4 * itemsize * n_maps
        each = 3 * itemsize + 24 + 2 * PRECISIONS[problem.samples.dtype].width * itemsize // 2
        return 4 * itemsize * n_maps + each * problem.trajectory[..., 0].numel()

    def calibration_text(self, calibrated: Artefact) -> str:
        return calibration_text(calibrated)

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        n_items, n_frames = prepared.shape("samples")[:2]
        maps = (calibrated.rows("maps", item, item + 1) for item in range(n_items))
        supports = np.concatenate([support_region(one) for one in maps])
        return supports if n_items == 1 else supports.repeat(n_frames, axis=0)

    def complete(self, prepared: Artefact) -> bool:
        return "trajectory" not in prepared and bool(prepared.array("measured").all())

    def full_image(self, prepared: Artefact, calibrated: Artefact, item: int) -> np.ndarray:
        if not self.complete(prepared):
            return super().full_image(prepared, calibrated, item)
        maps = torch.from_numpy(calibrated.rows("maps", item, item + 1)[0])
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        everything = torch.ones((len(samples), *samples.shape[2:]), dtype=torch.bool)
        return FrameSenseCartesian(everything, maps).adjoint(samples).numpy()

    def reference_text(self) -> str:
        return "Reference: all measured samples of each frame by itself, combined with the same coil maps."

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        maps, kept = calibrated.rows("maps", 0, 1)[0], prepared.array("mask")
        frame = len(kept) // 2
        if "trajectory" not in prepared:
            mask = kept[frame]
            text = f"frame {frame}: {int(mask.sum())} of {mask.size} positions of k-space"
            factor = f", R = {acceleration(mask):.3f}" if mask.any() else ""
            return Pictures(coil_maps=maps, mask=mask, mask_text=f"{text}{factor}; ky down, kx across")
        samples = np.moveaxis(prepared.rows("samples", 0, 1)[0], 1, 0)[:, kept]
        size = np.linalg.norm(samples, axis=0)
        return Pictures(
            coil_maps=maps,
            samples=np.log10(np.maximum(size, size.max() * 1e-5)),
            samples_text=f"k-space, log magnitude over all coils: {size.shape[0]} spokes of {len(kept)} "
            f"frames down, {size.shape[1]} samples across",
        )

"""Coil sensitivity maps of a series, from the average of its frames."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.calibrate import Espirit, Given, LowRes, MapsConfig
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.operator_norm import largest_frame_norm
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import Setting
from proxflow.tasks.modalities.cartesian.calibrate import (
    MIN_ACS,
    checked_region,
    estimate_maps,
    found_region,
    given_maps,
)
from proxflow.tasks.modalities.dynamic_mri.problem import series_problem
from proxflow.tasks.modalities.radial.calibrate import NORM_ITERATIONS, NORM_MARGIN, gridded_centre, region
from proxflow.tasks.modalities.radial.problem import RadialProblem
from proxflow.tasks.stages.documents import geometry_from_json

Found = tuple[Tensor, tuple[int, int]]  # maps (coil, y, x) and the calibration region


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``maps`` complex64 (item, coil, y, x), the same of all frames, sum over coils |S|^2 <= 1;
    document ``calibration`` with the calibration region and, per item, the largest norm of a frame.

    On a grid the maps come from the mean of all frames over the centre that every frame sampled; where there
    is none, over what any of them did. Of spokes the centre is gridded from those of all frames together.
    Raises RequestError where that centre is too small or the given maps do not fit.
    """
    config: Espirit | LowRes | Given = TypeAdapter(MapsConfig).validate_python(context.config)
    prepared, device = context.inputs["prepared"], context.machine.device
    n_items, spokes = prepared.shape("samples")[0], "trajectory" in prepared
    given = _given(context, prepared) if isinstance(config, Given) else None
    regions, norms = [], []
    for item in range(n_items):
        if isinstance(config, Given):
            assert given is not None
            maps = torch.from_numpy(given[item % len(given)])
        else:
            estimate = _maps_of_spokes if spokes else _maps_on_a_grid
            maps, acs = estimate(config, prepared, item, device)
            regions.append(list(acs))
        if item == 0:
            writer.create("maps", (n_items, *maps.shape), np.complex64)
        writer.append("maps", maps.cpu().numpy()[None])
        norms.append(_norm(prepared, maps, item, context) if spokes else 1.0)
    writer.document("calibration", {"kind": config.kind, "acs": regions or None, "norm": norms})


def _given(context: StageContext, prepared: Artefact) -> np.ndarray:
    n_items, _, n_coils = prepared.shape("samples")[:3]
    plane = prepared.shape("samples")[3:]
    if "trajectory" in prepared:
        plane = geometry_from_json(prepared.document("scan")["geometry"]).matrix
    shape = (n_items, n_coils, *plane)
    if "maps" in context.files:
        return given_maps(context.files["maps"], shape)
    if "coil_maps" not in prepared:
        raise RequestError("calibrate.path must be a file with maps where the scan holds none, got none")
    maps = prepared.array("coil_maps")
    if maps.shape[1:] != shape[1:]:
        raise RequestError(
            f"calibrate given must have maps of shape {shape[1:]}, got {maps.shape[1:]} with the scan"
        )
    peak = np.sqrt((np.abs(maps) ** 2).sum(1)).max()
    if peak == 0:
        raise RequestError("calibrate given must have maps that are not all zero, got zeros with the scan")
    return np.asarray(maps / peak, dtype=np.complex64)


def _maps_on_a_grid(config: Espirit | LowRes, prepared: Artefact, item: int, device: str) -> Found:
    samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
    kept = torch.from_numpy(prepared.array("mask"))
    kept = kept[kept.flatten(1).any(1)]
    measured = torch.from_numpy(prepared.array("mask"))[:, None]
    average = (samples * measured).sum(0) / measured.sum(0).clamp(min=1)
    centre = kept.all(0)
    if min(found_region(centre)) < MIN_ACS:
        centre = kept.any(0)
    acs = config.acs or prepared.document("scan")["acs"]
    size = checked_region((int(acs[0]), int(acs[1])) if acs else found_region(centre), centre)
    return estimate_maps(config, average.to(device), size), size


def _maps_of_spokes(config: Espirit | LowRes, prepared: Artefact, item: int, device: str) -> Found:
    matrix = geometry_from_json(prepared.document("scan")["geometry"]).matrix
    kept = torch.from_numpy(prepared.array("mask"))
    samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0]).movedim(0, 1)[:, kept].to(device)
    trajectory = torch.from_numpy(prepared.array("trajectory"))[kept].to(device)
    everything = torch.ones(trajectory.shape[:2], dtype=torch.bool, device=device)
    together = RadialProblem(samples, trajectory, samples.new_zeros(0), everything, 1.0)
    size = region(config, len(trajectory), matrix)
    return estimate_maps(config, gridded_centre(together, matrix, size), size), size


def _norm(prepared: Artefact, maps: Tensor, item: int, context: StageContext) -> float:
    problem = series_problem(prepared, maps.cpu().numpy(), item, Setting("single", context.machine))
    return largest_frame_norm(problem.operator, n_iter=NORM_ITERATIONS, tol=1e-3) * NORM_MARGIN


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on where the maps come from."""
    document = calibrated.document("calibration")
    if document["kind"] == "given":
        return "Coil maps as given."
    height, width = document["acs"][0]
    name = {"espirit": "ESPIRiT", "lowres": "low-resolution coil images"}[document["kind"]]
    return f"Coil maps by {name} from the central {height} x {width} samples, averaged over the frames."

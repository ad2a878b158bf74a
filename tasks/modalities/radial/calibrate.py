"""Coil sensitivity maps of a non-Cartesian scan, from the centre of k-space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.calibrate import Espirit, Given, LowRes, MapsConfig
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.density_compensation import pipe_menon_density
from proxflow.operators.fourier import fft2c
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.operator_norm import operator_norm
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.calibrate import MIN_ACS, estimate_maps, given_maps
from proxflow.tasks.modalities.radial.problem import RadialProblem
from proxflow.tasks.stages.documents import geometry_from_json

MOST_ACS = 24  # samples a side
NORM_ITERATIONS = 12
NORM_MARGIN = 1.02  # the power method comes from below


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``maps`` complex64 (item, coil, y, x), sum over coils |S|^2 <= 1; document ``calibration`` with
    the calibration region and, per item, the operator's norm.

    The spokes given to a method are gridded onto the centre of a Cartesian k-space that they fill without
    gaps, and the maps are estimated from it. Raises RequestError where that centre is too small.
    """
    config: Espirit | LowRes | Given = TypeAdapter(MapsConfig).validate_python(context.config)
    prepared = context.inputs["prepared"]
    geometry = geometry_from_json(prepared.document("scan")["geometry"])
    n_items, n_coils = prepared.shape("samples")[:2]
    writer.create("maps", (n_items, n_coils, *geometry.matrix), np.complex64)
    given = None
    acs = [1, 1]
    if isinstance(config, Given):
        given = given_maps(context.files["maps"], (n_items, n_coils, *geometry.matrix))
    else:
        n_spokes = int(prepared.array("mask").any(axis=1).sum())
        acs = list(region(config, n_spokes, geometry.matrix))
    norms = []
    for index in range(n_items):
        problem = item_problem(prepared, index, context.machine.device)
        if given is not None:
            maps = torch.from_numpy(given[index % len(given)]).to(context.machine.device)
        else:
            assert not isinstance(config, Given)
            centre = gridded_centre(problem, geometry.matrix, (acs[0], acs[1]))
            maps = estimate_maps(config, centre, (acs[0], acs[1]))
        operator, _ = replace(problem, maps=maps).posed(problem.mask)
        norm = operator_norm(operator, n_iter=NORM_ITERATIONS, tol=1e-3, device=context.machine.device)
        norms.append(norm * NORM_MARGIN)
        writer.append("maps", maps.cpu().numpy()[None])
    writer.document("calibration", {"kind": config.kind, "acs": acs, "norm": norms})


def item_problem(prepared: Artefact, item: int, device: str) -> RadialProblem:
    """Samples, trajectory and mask of one item, without coil maps."""
    samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0]).to(device)
    trajectory = torch.from_numpy(prepared.array("trajectory")).to(device)
    mask = torch.from_numpy(prepared.array("mask")).to(device)
    return RadialProblem(samples, trajectory, samples.new_zeros(0), mask, 1.0)


def region(config: Espirit | LowRes, n_spokes: int, matrix: tuple[int, int]) -> tuple[int, int]:
    """The central block of k-space that the spokes fill: neighbours are at most a sample apart within
    a radius of spokes / pi."""
    filled = int(2 * n_spokes / np.pi)
    size = config.acs or (min(MOST_ACS, filled, matrix[0]), min(MOST_ACS, filled, matrix[1]))
    if min(size) < MIN_ACS:
        raise RequestError(
            f"calibrate must have a centre of k-space of at least {MIN_ACS} x {MIN_ACS} samples without "
            f"gaps, got {size[0]} x {size[1]} from {n_spokes} spokes; give maps with calibrate.kind: given"
        )
    if size[0] > matrix[0] or size[1] > matrix[1]:
        raise RequestError(f"calibrate.acs must fit in {matrix[0]} x {matrix[1]}, got {size[0]} x {size[1]}")
    return size


def gridded_centre(problem: RadialProblem, matrix: tuple[int, int], acs: tuple[int, int]) -> Tensor:
    """Cartesian k-space (coil, ky, kx) whose centre ``acs`` is gridded from the samples near it.

    Each coil image of the samples within the block's circle, with density compensation, transformed back.
    """
    near = problem.mask & (problem.trajectory.norm(dim=-1) <= max(acs) / 2 + 1)
    if not near.any():
        raise RequestError(
            f"calibrate must have samples within {max(acs) / 2 + 1:g} cycles per field of view of the centre "
            "of k-space, got none; give maps with calibrate.kind given"
        )
    trajectory = problem.trajectory[near]
    one = problem.samples.new_ones(1, *matrix)
    operator = NonCartesianSense(trajectory, one)
    weights = pipe_menon_density(trajectory, matrix).to(problem.samples.real.dtype).to(trajectory.device)
    y = (problem.samples[:, near] * weights)[:, None]
    return fft2c(operator.adjoint(y))


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on where the maps come from."""
    document = calibrated.document("calibration")
    if document["kind"] == "given":
        return "Coil maps as given."
    height, width = document["acs"]
    name = {"espirit": "ESPIRiT", "lowres": "low-resolution coil images"}[document["kind"]]
    return f"Coil maps by {name} from the central {height} x {width} samples, gridded from the spokes."

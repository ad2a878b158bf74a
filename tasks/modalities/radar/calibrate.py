"""Calibrate a radar scan: the medium, and how large the operator is."""

from __future__ import annotations

import math
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.calibrate import Medium
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.operator_norm import operator_norm
from proxflow.operators.turned_array import TurnedArrayDifference
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.radar.geometry import antennas_of, grid_of

NORM_ITERATIONS = 15
NORM_MARGIN = 1.02  # the power method comes from below


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Document ``calibration``: the medium, and the ``norm`` of the operator.

    Raises RequestError where a voxel lies on an antenna, or the memory holds no block of the operator.
    """
    config = TypeAdapter(Medium).validate_python(context.config)
    medium = config.model_dump(mode="json", exclude={"kind"})
    prepared = context.inputs["prepared"]
    antennas = antennas_of(prepared)
    device = context.machine.device
    try:
        operator = operator_of(antennas, grid_of(prepared), medium, None, context.machine.memory_bytes)
        operator.refuse_voxels_on_antennas()  # also without amplitude: other methods' weights divide by d
        norm = operator_norm(operator.to(device), n_iter=NORM_ITERATIONS, tol=1e-3, device=device)
    except ValueError as error:
        raise RequestError(f"image: {str(error).replace('memory_bytes', 'runtime.memory')}") from None
    writer.document("calibration", {"medium": medium, "norm": norm * NORM_MARGIN})


def operator_of(
    antennas: dict[str, Tensor],
    grid: VoxelGrid,
    medium: dict[str, Any],
    pairs: Tensor | None = None,
    memory_bytes: int | None = None,
) -> NearFieldMimo:
    """The forward model; ``pairs`` are the indices of the pairs wanted, all if None.

    A path L in air inside the antennas is a phase exp(-jk_0 L), that of a reference range -L / (2 sqrt(eps))
    in the medium.
    """
    chosen = torch.arange(len(antennas["pairs"])) if pairs is None else pairs
    numbers = {name: value for name, value in medium.items() if name != "antenna_path_mm"}
    inside_m = medium["antenna_path_mm"] / 1e3 / (2 * math.sqrt(medium["relative_permittivity"]))
    ranges = antennas.get("reference_range_m")
    if ranges is None and inside_m:
        ranges = torch.zeros(len(antennas["pairs"]), dtype=torch.float64)
    arrays = antennas["transmitters_m"], antennas["receivers_m"], antennas["frequencies_hz"], grid
    numbers |= {
        "pairs": antennas["pairs"][chosen],
        "reference_range_m": None if ranges is None else ranges[chosen] - inside_m,
        "memory_bytes": memory_bytes,
    }
    if "turned_degrees" in antennas:
        return TurnedArrayDifference(*arrays, turned_degrees=float(antennas["turned_degrees"]), **numbers)
    return NearFieldMimo(*arrays, **numbers)


def calibration_text(calibrated: Artefact) -> str:
    """One sentence on the medium."""
    medium = calibrated.document("calibration")["medium"]
    loss = "1 / (4 pi d_T d_R)" if medium["amplitude"] == "spreading" else "none"
    inside = medium["antenna_path_mm"]
    return (
        f"Relative permittivity of the medium {medium['relative_permittivity']:g}, loss with distance {loss}"
        + (f", {inside:g} mm of path in air inside the antennas." if inside else ".")
    )

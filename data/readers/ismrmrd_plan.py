"""How an ISMRMRD scan becomes 2-D items: which grid, which transforms, which geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from ismrmrd import constants
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Affine, Geometry
from proxflow.data.readers.ismrmrd_geometry import affine_from_centre, rank_slices, slice_step
from proxflow.data.readers.ismrmrd_header import Encoding
from proxflow.data.readers.ismrmrd_lines import COUNTERS, Lines, volume_labels
from proxflow.data.validate import check_declared_size

Kind = Literal["planar", "slices", "hybrid"]


@dataclass(frozen=True)
class Plan:
    """The steps from lines to items.

    Attributes:
        kind: "planar" for 2-D scans; "slices" for 3-D scans transformed along their partitions;
            "hybrid" for 3-D scans transformed along the readout.
        encoded: (kz, ky, kx) grid of one volume; ``columns`` bool (kx,) where the readout samples it.
        n_columns: kx after oversampling is removed, or the number of x positions of a hybrid.
        parts: items per volume; item = volume * parts + part.
        mask_partition: a partition whose lines show the mask.
        reverse: bool per line, measured backwards.
        n_averages: how often a line was measured (median).
    """

    kind: Kind
    encoded: tuple[int, int, int]
    columns: NDArray[np.bool_]
    n_columns: int
    n_coils: int
    parts: int
    mask_partition: int
    reverse: NDArray[np.bool_]
    n_averages: float
    shape: tuple[int, int, int, int]
    labels: tuple[str, ...]
    geometry: Geometry
    notes: tuple[str, ...]


def make_plan(path: Path, lines: Lines, encoding: Encoding) -> Plan:
    """The plan of a scan; raises ScanError where its lines do not fit the encoded matrix."""
    nz, ny, nx = encoding.encoded_matrix
    n_volumes, n_coils = len(lines.counters), int(lines.heads[0]["active_channels"])
    check_declared_size(path, "encoded matrix", 8 * n_coils * nz * ny * nx, path.stat().st_size)
    columns = _columns(path, lines, nx)
    kind, mask_partition = _kind(lines, nz, ny)
    z, y, x = encoding.image_matrix
    notes = []
    if kind == "hybrid" and not columns.all():
        raise ScanError(
            f"{path.name}: a 3-D scan undersampled along both phase encodings must have a full readout, "
            f"got {int(columns.sum())} of {nx} samples"
        )
    n_columns = x if columns.all() else nx
    if n_columns < nx:
        notes.append(f"Readout oversampling removed: {nx} to {n_columns}.")
    elif x < nx:
        notes.append("Asymmetric echo: readout oversampling kept, the image is cropped instead.")
    parts = {"planar": 1, "slices": z, "hybrid": n_columns}[kind]
    plane = (nz, ny) if kind == "hybrid" else (ny, n_columns)
    if kind == "hybrid":
        notes.append("3-D undersampling: items are readout positions, with (kz, ky) in the plane.")
    affine, slices = _affine(lines, encoding, kind, parts)
    if affine is None:
        notes.append("No affine: the file gives no direction cosines, or its slices are not equally spaced.")
    places = (lines.volume * nz + lines.partition) * ny + lines.row
    return Plan(
        kind=kind,
        encoded=(nz, ny, nx),
        columns=columns,
        n_columns=n_columns,
        n_coils=n_coils,
        parts=parts,
        mask_partition=mask_partition,
        reverse=(lines.heads["flags"] & np.uint64(1 << (constants.ACQ_IS_REVERSE - 1))) != 0,
        n_averages=float(np.median(np.unique(places, return_counts=True)[1])),
        shape=(n_volumes * parts, n_coils, *plane),
        labels=_labels(lines, kind, parts),
        geometry=Geometry((z, y) if kind == "hybrid" else (y, x), _extent(encoding, kind), affine, slices),
        notes=tuple(notes),
    )


def _columns(path: Path, lines: Lines, nx: int) -> NDArray[np.bool_]:
    head = lines.heads[0]
    kept = int(head["number_of_samples"]) - int(head["discard_pre"]) - int(head["discard_post"])
    start = nx // 2 - (int(head["center_sample"]) - int(head["discard_pre"]))
    if kept < 1 or start < 0 or start + kept > nx:
        raise ScanError(
            f"{path.name}: readouts must fit the encoded matrix of {nx} columns, got {kept} samples with "
            f"center_sample {int(head['center_sample'])}"
        )
    columns = np.zeros(nx, dtype=bool)
    columns[start : start + kept] = True
    return columns


def _kind(lines: Lines, nz: int, ny: int) -> tuple[Kind, int]:
    """The kind, and a partition that shows the mask in the plane."""
    if nz == 1:
        return "planar", 0
    filled = np.zeros((len(lines.counters), nz, ny), dtype=bool)
    filled[lines.volume, lines.partition, lines.row] = True
    return ("slices" if (filled == filled[:, :1]).all() else "hybrid"), nz // 2


def _labels(lines: Lines, kind: Kind, parts: int) -> tuple[str, ...]:
    volumes = volume_labels(lines.counters)
    if kind == "planar":
        return tuple(volumes)
    part = "slice" if kind == "slices" else "x position"
    several = len(volumes) > 1
    # The slice counter of a 3-D scan numbers slabs.
    named = [f"{label.replace('slice', 'slab')}, " if several else "" for label in volumes]
    return tuple(f"{name}{part} {i}" for name in named for i in range(parts))


def _extent(encoding: Encoding, kind: Kind) -> tuple[float, float, float] | None:
    """(z, y, x) of the items' own axes: one item's thickness, height and width in mm."""
    voxel = encoding.voxel_size_mm
    if voxel is None:
        return None
    z, y, x = (n * size for n, size in zip(encoding.image_matrix, voxel, strict=True))
    return {"planar": (z, y, x), "slices": (voxel[0], y, x), "hybrid": (voxel[2], z, y)}[kind]


def _affine(
    lines: Lines, encoding: Encoding, kind: Kind, parts: int
) -> tuple[Affine | None, tuple[int, ...]]:
    """The affine, None where unknown, and every item's slice number."""
    counters = lines.counters[:, COUNTERS.index("slice")]
    numbers, first_volume, of_volume = np.unique(counters, return_index=True, return_inverse=True)
    heads = lines.heads[[int(np.argmax(lines.volume == v)) for v in first_volume]]
    read, phase, normal = (heads[0][name].astype(float) for name in ("read_dir", "phase_dir", "slice_dir"))
    positions, (z, y, x) = heads["position"].astype(float), encoding.image_matrix
    voxel = encoding.voxel_size_mm or (0.0, 0.0, 0.0)
    steps = {"x": read * voxel[2], "y": phase * voxel[1], "z": normal * voxel[0]}
    known = min(float(np.linalg.norm(step)) for step in steps.values()) > 0
    if kind != "planar":
        numbered = tuple(int(s) * parts + part for s in of_volume for part in range(parts))
        if not known or len(numbers) > 1:  # several slabs share no one affine
            return None, numbered
        order = "xyz" if kind == "slices" else "yzx"
        centre = [{"x": x, "y": y, "z": z}[axis] // 2 for axis in order]
        return affine_from_centre(positions[0], [steps[axis] for axis in order], centre), numbered
    rank = rank_slices(positions, normal) if known else np.arange(len(numbers))
    ranked = tuple(int(rank[s]) for s in of_volume)
    if not known:
        return None, ranked
    step = slice_step(positions, normal) if len(numbers) > 1 else steps["z"]
    if step is None:
        return None, ranked
    first = positions[int(np.argmin(rank))]
    return affine_from_centre(first, [steps["x"], steps["y"], step], (x // 2, y // 2, 0)), ranked

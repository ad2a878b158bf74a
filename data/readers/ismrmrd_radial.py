"""Read ISMRMRD (MRD) HDF5 raw data measured along a 2-D trajectory: radial, golden angle, spiral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Affine, Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.ismrmrd_geometry import affine_from_centre, rank_slices, slice_step
from proxflow.data.readers.ismrmrd_header import Encoding
from proxflow.data.readers.ismrmrd_lines import COUNTERS, Lines, sort_lines, volume_labels
from proxflow.data.readers.ismrmrd_samples import (
    group_name,
    open_acquisitions,
    read_acquisitions,
    read_heads,
    read_noise,
    read_trajectories,
)
from proxflow.data.readers.ismrmrd_trajectory import normalised_trajectory
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate_radial import check_trajectory, checked_radial

TRAJECTORIES = ("radial", "goldenangle", "spiral", "other")


def is_radial_ismrmrd(file: h5py.File) -> bool:
    """Whether the open file is ISMRMRD whose first encoding is along a trajectory."""
    if group_name(file) is None:
        return False
    _, encoding = open_acquisitions(Path(file.filename), file)
    return encoding.trajectory in TRAJECTORIES


class RadialIsmrmrdScan(Hdf5Scan):
    """An ISMRMRD file along a 2-D trajectory; an item is one slice, frame or contrast.

    Readouts keep the file's order, ``discard_pre`` and ``discard_post`` samples are cut. What is no
    imaging readout is treated as by the Cartesian reader: noise scans become ``noise`` at the imaging
    bandwidth; navigators, corrections and dummies are left out, as ``info.notes`` says.

    ISMRMRD leaves the trajectory's unit open: it is recognised by its reach and stated in the notes
    (see ``ismrmrd_trajectory``). Every item must have the same trajectory.

    Raises ScanError if the file is damaged, Cartesian or 3-D, or its trajectory has no known unit.
    """

    def read(self, items: Sequence[int] | None = None) -> RadialKSpace:
        rows = chosen_items(self.info, items)
        lines, first = self._lines, self._lines.heads[0]
        n_coils, dwell = int(first["active_channels"]), float(first["sample_time_us"])
        kspace = RadialKSpace(
            samples=np.stack([self._item(row) for row in rows]),
            trajectory=self._trajectory,
            geometry=self._geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=read_noise(
                self._path, self._data, self._heads, lines.noise, n_coils=n_coils, dwell_us=dwell
            ),
            source=self.info.source,
        )
        return checked_radial(self._path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path = self._path
        self._data, encoding = open_acquisitions(path, self._file)
        if encoding.trajectory not in TRAJECTORIES:
            allowed = ", ".join(TRAJECTORIES)
            raise ScanError(f"{path.name}: trajectory must be one of {allowed}, got {encoding.trajectory}")
        self._heads = read_heads(path, self._data)
        self._lines = sort_lines(path, self._heads, _per_spoke(path, self._heads, encoding))
        self._trajectory, unit = self._shared_trajectory(encoding)
        affine, slices = _affine(self._lines, encoding)
        notes = [f"Trajectory taken as {unit}, by its reach and the encoded matrix."]
        if affine is None:
            notes.append("No affine: the file gives no direction cosines, or slices are not equally spaced.")
        self._geometry = Geometry(encoding.image_matrix[1:], _extent(encoding), affine, slices)
        check_trajectory(path, self._trajectory, self._geometry.matrix)
        labels = tuple(volume_labels(self._lines.counters))
        n_coils = int(self._lines.heads[0]["active_channels"])
        return ScanInfo(
            path=path,
            format="ismrmrd",
            shape=(len(labels), n_coils, *self._trajectory.shape[:2]),
            dtype="complex64",
            labels=labels,
            geometry=self._geometry,
            has_noise=len(self._lines.noise) > 0,
            file_bytes=path.stat().st_size,
            modality="mri-radial",
            notes=(*self._lines.notes, *notes),
        )

    def _shared_trajectory(self, encoding: Encoding) -> tuple[NDArray[np.float32], str]:
        """(spoke, readout, (ky, kx)) that every item has, and the unit it was found in."""
        first = self._of_item(0)
        written = self._readouts_trajectory(first)
        if not np.isfinite(written).all():
            bad = int((~np.isfinite(written)).sum())
            raise ScanError(f"{self._path.name}: trajectory must be finite, got {bad} NaN or Inf values")
        for item in range(1, len(self._lines.counters)):
            numbers = self._of_item(item)
            if len(numbers) != len(first):
                raise ScanError(
                    f"{self._path.name}: every item must have {len(first)} readouts as item 0, "
                    f"got {len(numbers)} in item {item}"
                )
            if not np.array_equal(self._readouts_trajectory(numbers), written):
                raise ScanError(
                    f"{self._path.name}: every item must have the trajectory of item 0, got another in item "
                    f"{item}"
                )
        return normalised_trajectory(self._path, written[..., ::-1], encoding)

    def _readouts_trajectory(self, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        return self._kept(read_trajectories(self._path, self._data, self._heads, numbers), axis=1)

    def _item(self, item: int) -> NDArray[np.complex64]:
        """(coil, spoke, readout)."""
        lines = read_acquisitions(self._path, self._data, self._heads, self._of_item(item))
        return self._kept(lines, axis=2).transpose(1, 0, 2)

    def _of_item(self, item: int) -> NDArray[np.intp]:
        return self._lines.acquisition[self._lines.volume == item]

    def _kept(self, readouts: NDArray, axis: int) -> NDArray:
        head = self._lines.heads[0]
        start, stop = int(head["discard_pre"]), readouts.shape[axis] - int(head["discard_post"])
        if stop <= start:
            raise ScanError(
                f"{self._path.name}: discard_pre and discard_post must leave samples, got {start} and "
                f"{int(head['discard_post'])} of {readouts.shape[axis]}"
            )
        return readouts[(slice(None),) * axis + (slice(start, stop),)]


def _per_spoke(path: Path, heads: NDArray[np.void], encoding: Encoding) -> Encoding:
    """``encoding`` with a line for every spoke number: a trajectory's counters fill no Cartesian grid."""
    partitions = int(heads["idx"]["kspace_encode_step_2"].max(initial=0)) + 1
    if encoding.encoded_matrix[0] > 1 and partitions > 1:
        raise ScanError(
            f"{path.name}: kspace_encode_step_2 must be 0 along a 2-D trajectory, got up to {partitions - 1}"
        )
    spokes = int(heads["idx"]["kspace_encode_step_1"].max(initial=0)) + 1
    matrix = (partitions, spokes, encoding.encoded_matrix[2])
    return replace(encoding, encoded_matrix=matrix, centre_1=spokes // 2, centre_2=partitions // 2)


def _extent(encoding: Encoding) -> tuple[float, float, float] | None:
    """(z, y, x) in mm of the image matrix and one item's thickness."""
    voxel = encoding.voxel_size_mm
    if voxel is None:
        return None
    z, y, x = (n * size for n, size in zip(encoding.image_matrix, voxel, strict=True))
    return z, y, x


def _affine(lines: Lines, encoding: Encoding) -> tuple[Affine | None, tuple[int, ...]]:
    """The affine of 2-D slices, None where unknown, and every item's slice number."""
    counters = lines.counters[:, COUNTERS.index("slice")]
    numbers, first_volume, of_volume = np.unique(counters, return_index=True, return_inverse=True)
    heads = lines.heads[[int(np.argmax(lines.volume == volume)) for volume in first_volume]]
    read, phase, normal = (heads[0][name].astype(float) for name in ("read_dir", "phase_dir", "slice_dir"))
    positions = heads["position"].astype(float)
    depth, height, width = encoding.voxel_size_mm or (0.0, 0.0, 0.0)
    steps = [read * width, phase * height, normal * depth]
    known = min(float(np.linalg.norm(step)) for step in steps) > 0
    rank = rank_slices(positions, normal) if known else np.arange(len(numbers))
    slices = tuple(int(rank[number]) for number in of_volume)
    step = slice_step(positions, normal) if known and len(numbers) > 1 else steps[2]
    if not known or step is None:
        return None, slices
    _, y, x = encoding.image_matrix
    first = positions[int(np.argmin(rank))]
    return affine_from_centre(first, [steps[0], steps[1], step], (x // 2, y // 2, 0)), slices

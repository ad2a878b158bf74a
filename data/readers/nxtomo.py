"""Read NeXus NXtomo HDF5: projections, flat and dark frames in one stack, told apart by image_key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading, top_level
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.projections import Projections, hdf5_rows, read_projections, row_labels
from proxflow.data.readers.units_h5 import angle_unit, length_mm
from proxflow.data.scan import ScanInfo
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.validate import check_shape
from proxflow.data.validate_angles import check_angles
from proxflow.data.validate_sinogram import check_real, check_scan_geometry

PROJECTION, FLAT, DARK, INVALID = 0, 1, 2, 3
# NXentry, or NXsubentry inside one; a file nests them no deeper.
DEPTH = 2


def is_nxtomo(file: h5py.File) -> bool:
    """Whether the open file holds an NXtomo entry."""
    return _entry(file) is not None


class NxtomoScan(Hdf5Scan):
    """The first NXtomo entry (or subentry) of a file as counts of parallel rays, an item per detector row.

    ``instrument/detector/data`` (frame, row, column); ``image_key`` 0 for projections, 1 for flat, 2 for
    dark frames, 3 for invalid ones, which are left out. ``sample/rotation_angle`` (one per frame) is in
    degrees unless its units say radians. ``x_pixel_size``, ``y_pixel_size`` in m unless stated. Groups are
    found by their NX_class, whatever their names. Rows are read from disk as they are asked for.

    Raises ScanError if an entry is missing, a link, or makes no sense.
    """

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        return read_projections(self._source, self.info, items)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        entry = _entry(file)
        if entry is None:
            raise ScanError(f"{path} must be NeXus with an NXtomo entry, got {top_level(file)}")
        detector, sample = self._group(entry, "NXdetector"), self._group(entry, "NXsample")
        name = f"{detector}/data"
        data = own_dataset(file, path, name)
        check_shape(path, name, data.shape, "(frame, row, column)")
        check_real(path, name, data.dtype)
        frames = self._frames(f"{detector}/image_key", data.shape)
        self._source = Projections(
            hdf5_rows(path, data, frames[PROJECTION]),
            dark=hdf5_rows(path, data, frames[DARK]) if len(frames[DARK]) else None,
            flat=hdf5_rows(path, data, frames[FLAT]) if len(frames[FLAT]) else None,
        )
        angles, notes = self._angles(f"{sample}/rotation_angle", data.shape, frames[PROJECTION])
        sizes = {"column_size_mm": f"{detector}/x_pixel_size", "row_size_mm": f"{detector}/y_pixel_size"}
        lengths = {name: length_mm(file, path, stored, "m") for name, stored in sizes.items()}
        geometry = ScanGeometry(beam="parallel", angles_rad=angles, **lengths)
        notes += check_scan_geometry(path, geometry, data.shape[2], sizes)
        if len(frames[INVALID]):
            notes += (f"{len(frames[INVALID])} frames that the file calls invalid are left out.",)
        missing = [word for word, key in (("flat", FLAT), ("dark", DARK)) if not len(frames[key])]
        if missing:
            notes += (f"The file has no {' and no '.join(missing)} frames.",)
        distance = length_mm(file, path, f"{detector}/distance", "m")
        source = {} if distance is None else {"detector_distance_mm": f"{distance:g}"}
        return ScanInfo(
            path=path,
            format="nxtomo",
            shape=(data.shape[1], len(angles), data.shape[2]),
            dtype=data.dtype.newbyteorder("=").name,
            labels=row_labels("parallel", data.shape[1]),
            file_bytes=path.stat().st_size,
            modality="ct",
            acquisition=geometry,
            quantity="counts",
            has_fields=len(missing) < 2,
            notes=notes,
            source={"entry": entry, **source},
        )

    def _group(self, entry: str, kind: str) -> str:
        """Path of the first group of class ``kind`` in the entry or one group below it."""
        for name, group in _groups(self._file[entry], 2):
            if _nx_class(group) == kind:
                return f"{entry}/{name}"
        raise ScanError(f"{self._path.name}: {entry} must hold an {kind}, got none")

    def _frames(self, name: str, shape: tuple[int, int, int]) -> dict[int, NDArray[np.intp]]:
        """Frame numbers by image key."""
        path, dataset = self._path, own_dataset(self._file, self._path, name)
        if dataset.shape != shape[:1] or dataset.dtype.kind not in "iu":
            swapped = dataset.shape != shape[:1] and dataset.size in shape[1:]
            hint = f"; the axes of the data {shape} look swapped" if swapped else ""
            raise ScanError(
                f"{path.name}: {name} must be {shape[0]} integers, one per frame, got {dataset.dtype} of "
                f"shape {dataset.shape}{hint}"
            )
        with reading(path, name):
            keys = dataset[()]
        unknown = np.setdiff1d(keys, (PROJECTION, FLAT, DARK, INVALID))
        if len(unknown):
            raise ScanError(f"{path.name}: {name} must be 0, 1, 2 or 3, got {unknown[0]}")
        if not (keys == PROJECTION).any():
            raise ScanError(
                f"{path.name}: {name} must mark projections with 0, got none of {len(keys)} frames"
            )
        return {key: np.flatnonzero(keys == key) for key in (PROJECTION, FLAT, DARK, INVALID)}

    def _angles(
        self, name: str, shape: tuple[int, int, int], projections: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        path, dataset = self._path, own_dataset(self._file, self._path, name)
        with reading(path, name):
            values = dataset[()]
        sizes = {"angle": shape[0], "row": shape[1], "column": shape[2]}
        if np.shape(values) == (shape[0],):
            values, sizes["angle"] = values[projections], len(projections)
        return check_angles(path, name, values, angle_unit(path, dataset), sizes)


def _nx_class(group: h5py.Group) -> str:
    value = group.attrs.get("NX_class", "")
    value = value.ravel()[0] if isinstance(value, np.ndarray) and value.size else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _groups(parent: h5py.Group, depth: int) -> Iterator[tuple[str, h5py.Group]]:
    """Groups stored in ``parent`` itself, not linked to, with theirs down to ``depth``, by relative path."""
    for name in parent:
        if isinstance(parent.get(name, getlink=True), h5py.HardLink) and isinstance(parent[name], h5py.Group):
            yield name, parent[name]
            if depth > 1:
                yield from ((f"{name}/{sub}", group) for sub, group in _groups(parent[name], depth - 1))


def _entry(file: h5py.File) -> str | None:
    for name, group in _groups(file, DEPTH):
        if _nx_class(group) not in ("NXentry", "NXsubentry"):
            continue
        definition = group.get("definition")
        if isinstance(definition, h5py.Dataset) and definition.shape in ((), (1,)):
            value = np.asarray(definition[()]).ravel()[0]
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            if text.strip().upper() == "NXTOMO":
                return name
    return None

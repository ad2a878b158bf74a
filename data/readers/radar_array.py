"""Read radar samples from .mat, .npz, .npy or .csv with a sidecar that names axes and antennas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import RadarCube
from proxflow.data.readers.complex_csv import read_complex_csv
from proxflow.data.readers.mat_struct import field, is_mat, mat_names, read_mat
from proxflow.data.readers.npz_arrays import is_npz, is_numpy, read_npy, read_npz
from proxflow.data.readers.radar_antennas import Getter, antennas_of, keys_of
from proxflow.data.readers.radar_sidecar import RadarFields, read_radar_sidecar
from proxflow.data.readers.sidecar_fields import labels_field
from proxflow.data.readers.sidecar_yaml import sidecar_modality
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate_radar import check_antennas, check_radar_samples, checked_radar

MIMO_VARIABLES = {"EMData", "MIMOArray", "OperateFreq"}


def is_radar_array(path: Path) -> bool:
    """Whether a sidecar of ``path`` says radar, or it is a MATLAB file of the near-field MIMO layout."""
    return sidecar_modality(path) == "radar" or is_mimo_mat(path)


def is_mimo_mat(path: Path) -> bool:
    """Whether ``path`` is a MATLAB file with the variables EMData, MIMOArray and OperateFreq."""
    return is_mat(path) and set(mat_names(path)) >= MIMO_VARIABLES


class RadarArrayScan(Scan):
    """An array of frequency responses and its sidecar (``modality: radar``; docs/file-format.md).

    A MATLAB file with ``EMData.Values`` (receiver, transmitter, frequency), ``MIMOArray.Transmitter`` and
    ``Receiver`` with ``X``, ``Y``, ``Z`` in metres and ``OperateFreq`` in Hz needs none: its Y is the
    range axis, so that x = X, y = Z, z = Y.

    Where axes are transmitter and receiver, pair = transmitter * receivers + receiver. Axes of length
    one may be absent from the array. Samples whose phase grows with the delay (``phase_sign: "+"``)
    are conjugated. Raises ScanError if arrays are missing or do not fit each other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        mimo = sidecar_modality(path) is None and is_mimo_mat(path)
        fields = self._fields = _mimo_fields(path) if mimo else read_radar_sidecar(path)
        get = _getter(path, fields)
        self._geometry = antennas_of(fields, get)
        check_antennas(fields.path, self._geometry)
        self._samples = self._ordered("samples", get(fields.samples or ""))
        self._background = None
        companions = [] if mimo else [fields.path]
        if fields.background is not None:
            stored, file = _background(path, fields, get)
            companions += [file] if file else []
            self._background = self._ordered("background", stored)
        notes = ["Antenna axes taken as x = X, y = Z, z = Y: the file's Y is its range axis."] if mimo else []
        if fields.conjugate:
            notes.append("Samples conjugated: in the file the phase grows with the delay.")
        self.info = ScanInfo(
            path=path,
            format="radar-array",
            shape=self._samples.shape,
            dtype=self._samples.dtype.name,
            labels=labels_field(fields.path, fields.labels, len(self._samples)),
            file_bytes=sum(file.stat().st_size for file in (path, *companions)),
            modality="radar",
            acquisition=self._geometry,
            has_fields=self._background is not None,
            notes=tuple(notes),
            source=fields.source,
            companions=tuple(companions),
        )

    def read(self, items: Sequence[int] | None = None) -> RadarCube:
        rows = chosen_items(self.info, items)
        cube = RadarCube(
            samples=self._native(self._samples[rows]),
            geometry=self._geometry,
            labels=tuple(self.info.labels[i] for i in rows),
            background=None if self._background is None else self._native(self._background[rows]),
            source=self.info.source,
        )
        return checked_radar(self._path, cube, rows)

    def close(self) -> None:
        del self._samples, self._background

    def _native(self, samples: NDArray) -> NDArray:
        samples = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("="))
        return samples.conj() if self._fields.conjugate else samples

    def _ordered(self, name: str, array: NDArray) -> NDArray:
        """``array`` as (item, frequency, pair)."""
        path, axes, geometry = self._path, self._fields.axes, self._geometry
        sizes = {
            "frequency": len(geometry.frequencies_hz),
            "pair": len(geometry.pairs),
            "transmitter": len(geometry.transmitters_m),
            "receiver": len(geometry.receivers_m),
        }
        array = _with_lost_axes(array, [sizes.get(axis) for axis in axes])
        found = array.shape
        expected = tuple(sizes.get(axis, n) for axis, n in zip(axes, found, strict=False))
        if len(found) != len(axes) or found != expected:
            swapped = " (axes swapped?)" if sorted(found) == sorted(expected) else ""
            wanted = ", ".join(f"{axis} {sizes[axis]}" if axis in sizes else axis for axis in axes)
            raise ScanError(f"{path.name}: {name} must have axes ({wanted}), got shape {found}{swapped}")
        order = [axis for axis in ("item", "frequency", "transmitter", "receiver", "pair") if axis in axes]
        array = array.transpose([axes.index(axis) for axis in order])
        array = array if "item" in axes else array[None]
        array = array.reshape(*array.shape[:2], int(np.prod(array.shape[2:])))
        check_radar_samples(path, name, array.shape, array.dtype, geometry)
        return array


def _with_lost_axes(array: NDArray, sizes: Sequence[int | None]) -> NDArray:
    """``array`` with the axes of length one that its file dropped, as MATLAB does."""
    if array.ndim >= len(sizes):
        return array
    known = [n for n in sizes if n is not None]
    rest = max(1, array.size // max(1, int(np.prod(known))))
    full = tuple(rest if n is None else n for n in sizes)
    lost = [i for i, n in enumerate(full) if n == 1]
    kept = tuple(n for n in full if n != 1)
    return np.expand_dims(array, lost) if array.shape == kept else array


def _getter(path: Path, fields: RadarFields) -> Getter:
    """Arrays of the file by key; a .npy or .csv file is one array, of any key."""
    if not _has_keys(path):
        if fields.samples is not None:
            raise ScanError(
                f"{fields.path.name}: samples must be absent for {path.name}, which is one array, got "
                f"{fields.samples}"
            )
        array = _single(path)
        return lambda _: array
    if fields.samples is None:
        raise ScanError(f"{fields.path.name}: samples must be the key of the samples, got none")
    keys = [*keys_of(fields), *([fields.background] if fields.background else [])]
    if is_mat(path):
        content = read_mat(path, sorted({key.split(".")[0] for key in keys}))
        return lambda key: field(path, content, key)
    arrays = read_npz(path, keys)
    return lambda key: arrays[key]


def _has_keys(path: Path) -> bool:
    return is_mat(path) or (is_numpy(path) and is_npz(path))


def _single(path: Path) -> NDArray:
    return read_npy(path) if is_numpy(path) else read_complex_csv(path)


def _background(path: Path, fields: RadarFields, get: Getter) -> tuple[NDArray, Path | None]:
    """The background and, where it has one, its own file."""
    name = fields.background or ""
    if _has_keys(path):
        return get(name), None
    file = path.parent / name
    if Path(name).name != name or file.suffix != path.suffix or file.name == path.name or not file.is_file():
        raise ScanError(
            f"{fields.path.name}: background must name another {path.suffix} file in the same folder, "
            f"got {name}"
        )
    return _single(file), file


def _mimo_fields(path: Path) -> RadarFields:
    """The layout of near-field data of irregular planar MIMO arrays; its Y is the range axis."""

    def axes(side: str) -> tuple[str, str, str]:
        return f"MIMOArray.{side}.X", f"MIMOArray.{side}.Z", f"MIMOArray.{side}.Y"

    return RadarFields(
        path=path,
        samples="EMData.Values",
        axes=("receiver", "transmitter", "frequency"),
        frequencies_hz="OperateFreq",
        transmitters_m=axes("Transmitter"),
        receivers_m=axes("Receiver"),
    )

"""The samples of ISMRMRD acquisitions: the group they lie in, lines by number, and the noise scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading, top_level
from proxflow.data.readers.ismrmrd_header import Encoding, parse_header


def group_name(file: h5py.File) -> str | None:
    """The group that holds ``xml`` and ``data``, None if no group does."""
    for name in file:
        group = file.get(name)
        parts = [group.get(key) for key in ("xml", "data")] if isinstance(group, h5py.Group) else [None]
        if all(isinstance(part, h5py.Dataset) for part in parts):
            return name
    return None


def open_acquisitions(path: Path, file: h5py.File) -> tuple[h5py.Dataset, Encoding]:
    """The dataset of acquisitions and the first encoding space; raises ScanError if the file has none."""
    name = group_name(file)
    if name is None:
        raise ScanError(f"{path} must be ISMRMRD with dataset/xml and dataset/data, got {top_level(file)}")
    data = own_dataset(file, path, f"{name}/data")
    names = data.dtype.names
    if names is None or not {"head", "traj", "data"} <= set(names):
        raise ScanError(f"{path.name}: {name}/data must hold ISMRMRD acquisitions, got {data.dtype}")
    with reading(path, f"{name}/xml"):
        encoding = parse_header(path, own_dataset(file, path, f"{name}/xml")[0])[0]
    return data, encoding


def read_heads(path: Path, data: h5py.Dataset) -> NDArray[np.void]:
    """The headers of all acquisitions."""
    with reading(path, (data.name or "").lstrip("/")):
        return data.fields("head")[:]


def read_acquisitions(
    path: Path, data: h5py.Dataset, heads: NDArray[np.void], numbers: NDArray[np.integer]
) -> NDArray[np.complex64]:
    """(line, coil, sample) of the acquisitions ``numbers``, all of one size by their ``heads``."""
    head = heads[numbers[0]]
    n_coils, n_samples = int(head["active_channels"]), int(head["number_of_samples"])
    result = np.empty((len(numbers), n_coils, n_samples), dtype=np.complex64)
    what = f"{n_coils} channels of {n_samples} complex samples"
    for i, values in enumerate(_fields(path, data, "data", numbers)):
        if values.dtype != np.float32 or values.size != 2 * n_coils * n_samples:
            raise ScanError(
                f"{path.name}: acquisition {numbers[i]} must hold {what}, got {values.size} {values.dtype} "
                "numbers"
            )
        result[i] = values.view(np.complex64).reshape(n_coils, n_samples)
    return result


def read_trajectories(
    path: Path, data: h5py.Dataset, heads: NDArray[np.void], numbers: NDArray[np.integer]
) -> NDArray[np.float32]:
    """(line, sample, 2), (kx, ky) as written, of the acquisitions ``numbers``."""
    n_samples = int(heads[numbers[0]]["number_of_samples"])
    result = np.empty((len(numbers), n_samples, 2), dtype=np.float32)
    for i, values in enumerate(_fields(path, data, "traj", numbers)):
        dimensions = int(heads[numbers[i]]["trajectory_dimensions"])
        if dimensions != 2 or values.dtype != np.float32 or values.size != 2 * n_samples:
            raise ScanError(
                f"{path.name}: acquisition {numbers[i]} must hold a trajectory of 2 dimensions and "
                f"{n_samples} samples, got {dimensions} dimensions and {values.size} numbers"
            )
        result[i] = values.reshape(n_samples, 2)
    return result


def read_noise(
    path: Path,
    data: h5py.Dataset,
    heads: NDArray[np.void],
    numbers: NDArray[np.integer],
    *,
    n_coils: int,
    dwell_us: float,
    n_averages: float = 1.0,
) -> NDArray[np.complex64] | None:
    """(coil, n) of the noise scans ``numbers``, scaled as the samples are; None if there are none.

    The samples are ``dwell_us`` apart and the mean of ``n_averages`` measured ones: white receiver noise has
    a variance inverse to the dwell time, and averaging divides it.
    """
    parts = []
    for number in numbers:
        head = heads[number]
        if head["active_channels"] != n_coils:
            raise ScanError(
                f"{path.name}: noise scan must have {n_coils} channels, got {head['active_channels']}"
            )
        own = float(head["sample_time_us"])
        scale = np.sqrt(own / dwell_us) if min(own, dwell_us) > 0 else 1.0
        line = read_acquisitions(path, data, heads, np.array([number]))[0]
        parts.append(line * np.float32(scale / np.sqrt(n_averages)))
    return np.concatenate(parts, axis=1) if parts else None


def _fields(path: Path, data: h5py.Dataset, name: str, numbers: NDArray[np.integer]) -> Sequence[NDArray]:
    """Field ``name`` of these acquisitions; contiguous runs are read at once."""
    found: list[NDArray] = []
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
        with reading(path, f"acquisitions {run[0]} to {run[-1]}"):
            found.extend(data.fields(name)[run[0] : run[-1] + 1])
    return found

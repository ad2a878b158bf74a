"""Read non-Cartesian MRI from .npz, with a sidecar or with the usual names kdata and traj."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.readers.npz_arrays import npz_keys, read_npz
from proxflow.data.readers.sidecar_fields import (
    axes_field,
    choice_field,
    extent_field,
    labels_field,
    read_fields,
    size_field,
    source_field,
    text_field,
)
from proxflow.data.readers.sidecar_yaml import sidecar_modality, sidecar_path
from proxflow.data.readers.trajectory_units import (
    TRAJECTORY_UNITS,
    TrajectoryUnit,
    check_declared_unit,
    to_cycles_per_fov,
)
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import check_complex, check_shape
from proxflow.data.validate_radial import (
    check_radial_samples,
    check_trajectory,
    check_trajectory_shape,
    checked_radial,
)

KEYS = (
    *("modality", "kspace", "axes", "trajectory", "trajectory_axes", "trajectory_units", "grid", "matrix"),
    *("field_of_view_mm", "noise", "reference", "labels", "units", "source"),
)
ORDERS = ("ky, kx", "kx, ky")
SAMPLE_AXES = ("item", "coil", "spoke", "readout")


@dataclass(frozen=True)
class _Fields:
    path: Path
    kspace: str
    axes: tuple[str, ...]
    trajectory: str
    order: str
    unit: TrajectoryUnit
    matrix: tuple[int, int]
    content: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_radial_npz(path: Path) -> bool:
    """Whether a sidecar of ``path`` says mri-radial, or, without one, it holds kdata and traj."""
    if sidecar_path(path) is not None:
        return sidecar_modality(path) == "mri-radial"
    return {"kdata", "traj"} <= set(npz_keys(path))


class RadialNpzScan(Scan):
    """Readouts and their trajectory from an .npz (read whole) and its sidecar (docs/file-format.md).

    A file without sidecar must hold ``kdata`` (coil, spoke, readout) and ``traj`` (spoke, readout,
    (kx, ky)) in cycles per sample, within +-0.5; its readouts of n samples are taken as two-fold
    oversampled, the image as n/2 x n/2. ``info.notes`` says so.

    Raises ScanError if the sidecar is wrong, or the arrays do not fit it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        sidecar = sidecar_path(path)
        fields = _from_sidecar(path) if sidecar else _from_names(path)
        wanted = {name: text_field(fields.path, fields.content, name) for name in ("noise", "reference")}
        optional = {name: key for name, key in wanted.items() if key is not None}
        arrays = read_npz(path, [fields.kspace, fields.trajectory, *optional.values()])
        self._samples = _ordered(path, fields, arrays[fields.kspace])
        self._trajectory = _trajectory(path, fields, arrays[fields.trajectory], self._samples.shape)
        self._noise = arrays[optional["noise"]] if "noise" in optional else None
        self._reference = _reference(path, arrays, optional.get("reference"), len(self._samples))
        if self._noise is not None:
            check_complex(path, "noise", self._noise.dtype)
            check_shape(path, "noise", self._noise.shape, "(coil, sample)")
        n_items = len(self._samples)
        units = text_field(fields.path, fields.content, "units")
        source = source_field(fields.path, fields.content)
        companions = (sidecar,) if sidecar else ()
        extent = extent_field(fields.path, fields.content)
        self._geometry = Geometry(fields.matrix, extent, slices=tuple(range(n_items)))
        self.info = ScanInfo(
            path=path,
            format="radial-npz",
            shape=self._samples.shape,
            dtype=self._samples.dtype.name,
            labels=labels_field(fields.path, fields.content, n_items),
            geometry=self._geometry,
            has_noise=self._noise is not None,
            has_reference=self._reference is not None,
            file_bytes=sum(file.stat().st_size for file in (path, *companions)),
            modality="mri-radial",
            notes=fields.notes,
            source=source | ({"units": units} if units else {}),
            companions=companions,
        )

    def read(self, items: Sequence[int] | None = None) -> RadialKSpace:
        rows = chosen_items(self.info, items)
        native = self._samples.dtype.newbyteorder("=")
        kspace = RadialKSpace(
            samples=np.ascontiguousarray(self._samples[rows], dtype=native),
            trajectory=self._trajectory,
            geometry=self._geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=self._noise,
            reference=None if self._reference is None else self._reference[rows],
            source=self.info.source,
        )
        return checked_radial(self._path, kspace, rows)

    def close(self) -> None:
        del self._samples, self._reference, self._noise


def _from_sidecar(array: Path) -> _Fields:
    path, content = read_fields(array, "mri-radial", KEYS)
    unit = cast(TrajectoryUnit, choice_field(path, content, "trajectory_units", TRAJECTORY_UNITS))
    grid, matrix = size_field(path, content, "grid"), size_field(path, content, "matrix")
    if unit != "cycles/fov" and grid is None:
        raise ScanError(
            f"{path.name}: grid must be given for {unit}, the (y, x) size of the image that the readouts' "
            "whole field of view makes, got none"
        )
    matrix = matrix or grid
    if matrix is None:
        raise ScanError(f"{path.name}: matrix must be given, the (y, x) size of the image, got none")
    if grid is not None and (matrix[0] > grid[0] or matrix[1] > grid[1]):
        raise ScanError(f"{path.name}: matrix must be at most the grid {grid}, got {matrix}")
    return _Fields(
        path=path,
        kspace=text_field(path, content, "kspace", "kspace") or "kspace",
        axes=axes_field(path, content.get("axes"), (SAMPLE_AXES[1:], SAMPLE_AXES[2:]), ("item",)),
        trajectory=text_field(path, content, "trajectory", "trajectory") or "trajectory",
        order=choice_field(path, content, "trajectory_axes", ORDERS),
        unit=unit,
        matrix=matrix,
        content=content,
    )


def _from_names(path: Path) -> _Fields:
    if not is_radial_npz(path):
        held = ", ".join(npz_keys(path)[:8]) or "nothing"
        raise ScanError(
            f"{path.name} must have a sidecar {path.with_suffix('.yaml').name} with 'modality: mri-radial', "
            f"or hold the keys kdata and traj, got {held}"
        )
    arrays = read_npz(path, ["kdata", "traj"])
    kdata, traj = arrays["kdata"], arrays["traj"]
    if kdata.ndim != 3:
        raise ScanError(f"{path.name}: kdata must have axes (coil, spoke, readout), got shape {kdata.shape}")
    check_trajectory_shape(path, traj.shape, traj.dtype, kdata.shape)
    reach = float(np.abs(traj).max(initial=0))
    if not 0.1 < reach < 0.51 and np.isfinite(reach):
        raise ScanError(
            f"{path.name}: traj must be in cycles/sample, up to about 0.5, where no sidecar gives its unit, "
            f"got up to {reach:.4g}"
        )
    n = kdata.shape[2]
    note = (
        f"No sidecar: traj taken as (kx, ky) in cycles/sample of a {n} x {n} grid, readouts as two-fold "
        f"oversampled, the image as its central {n // 2} x {n // 2}."
    )
    matrix = (max(1, n // 2), max(1, n // 2))
    return _Fields(path, "kdata", SAMPLE_AXES[1:], "traj", "kx, ky", "cycles/sample", matrix, notes=(note,))


def _ordered(path: Path, fields: _Fields, array: NDArray) -> NDArray:
    """A view of ``array`` as (item, coil, spoke, readout)."""
    axes = fields.axes
    check_shape(path, fields.kspace, array.shape, f"({', '.join(axes)})")
    present = [axis for axis in SAMPLE_AXES if axis in axes]
    array = array.transpose([axes.index(axis) for axis in present])
    array = np.expand_dims(array, [i for i, axis in enumerate(SAMPLE_AXES) if axis not in axes])
    check_radial_samples(path, fields.kspace, array.shape, array.dtype)
    return array


def _trajectory(path: Path, fields: _Fields, array: NDArray, shape: Sequence[int]) -> NDArray[np.floating]:
    check_trajectory_shape(path, array.shape, array.dtype, shape)
    array = array.astype(array.dtype.newbyteorder("="))
    if fields.order == "kx, ky":
        array = array[..., ::-1]
    check_declared_unit(path, array, fields.unit, fields.matrix)
    trajectory = np.ascontiguousarray(to_cycles_per_fov(array, fields.unit, fields.matrix))
    check_trajectory(path, trajectory, fields.matrix)
    return trajectory


def _reference(path: Path, arrays: Mapping[str, NDArray], key: str | None, n_items: int) -> NDArray | None:
    """The reference as (item, y, x)."""
    if key is None:
        return None
    array = arrays[key][None] if arrays[key].ndim == 2 else arrays[key]
    if array.ndim != 3 or len(array) != n_items or array.dtype.kind not in "fc":
        raise ScanError(
            f"{path.name}: {key} must be real or complex of shape ({n_items}, y, x), got {array.dtype} of "
            f"shape {array.shape}"
        )
    return array

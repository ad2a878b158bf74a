"""Read a series of projections from .npy or .npz, with a sidecar or, of one sinogram, without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram, FrameGeometry
from proxflow.data.errors import ScanError
from proxflow.data.readers.dynamic_sidecar import DynamicSidecar, read_dynamic_sidecar, series_labels
from proxflow.data.readers.npz_arrays import is_npz, read_npy, read_npz
from proxflow.data.readers.pi_stack import own_rows
from proxflow.data.readers.sidecar_fields import file_beside
from proxflow.data.readers.sidecar_yaml import sidecar_path
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.schedules import schedule_angles
from proxflow.data.validate import check_shape
from proxflow.data.validate_dynamic import (
    AXES,
    check_frame_angles,
    check_frame_geometry,
    check_line_integrals,
    check_series_images,
    checked_series,
)


@dataclass(frozen=True)
class _Series:
    """What is known of a series before its samples are read: samples (item, frame, view, column)."""

    samples: NDArray
    geometry: FrameGeometry
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()
    reference: NDArray | None = None
    image_pixel_mm: float | None = None
    companions: tuple[Path, ...] = ()
    source: dict[str, str] | None = None


class DynamicArrayScan(Scan):
    """A .npy array (memory-mapped: only the items read are touched) or an .npz (its arrays read whole).

    With a sidecar of ``modality: ct-dynamic`` as it says. Without one a .npy of two axes is a sinogram
    (detector, projection) in pixels as ``skimage.transform.radon`` makes it, one projection a frame, or the
    pi-symmetric stack of one; its angles are those of ``schedule``, which is used only where the file tells
    none. Pickled objects are never loaded.

    Raises ScanError if the arrays do not fit the sidecar or each other, or no angles are known.
    """

    def __init__(self, path: Path, schedule: str | None = None) -> None:
        self._path = path
        bare = sidecar_path(path) is None and not is_npz(path)
        series = _bare(path, schedule) if bare else _described(path, schedule)
        notes = series.notes + check_frame_geometry(path, series.geometry, series.samples.shape[-1])
        self._series: _Series | None = series
        files = (path, *series.companions)
        self.info = ScanInfo(
            path=path,
            format="numpy",
            shape=series.samples.shape,
            dtype=series.samples.dtype.newbyteorder("=").name,
            labels=series.labels,
            file_bytes=sum(file.stat().st_size for file in files),
            modality="ct-dynamic",
            acquisition=series.geometry,
            quantity="attenuation",
            has_reference=series.reference is not None,
            notes=notes,
            companions=series.companions,
            source=series.source or {},
        )

    def read(self, items: Sequence[int] | None = None) -> DynamicSinogram:
        series, rows = self._series, chosen_items(self.info, items)
        if series is None:
            raise ScanError(f"{self._path.name} must be open to be read, got a closed scan")
        geometry, native = series.geometry, series.samples.dtype.newbyteorder("=")
        measured = DynamicSinogram(
            samples=np.ascontiguousarray(series.samples[rows], dtype=native),
            angles_rad=geometry.angles_rad,
            labels=tuple(self.info.labels[i] for i in rows),
            column_size_mm=geometry.column_size_mm,
            axis_column=geometry.axis_column,
            centre=geometry.centre,
            image_pixel_mm=series.image_pixel_mm,
            reference=None if series.reference is None else np.asarray(series.reference[rows]),
            source=self.info.source,
        )
        return checked_series(self._path, measured, rows)

    def close(self) -> None:
        self._series = None  # frees the memory map


def _bare(path: Path, schedule: str | None) -> _Series:
    """A sinogram (detector, projection), or its pi-symmetric stack, that comes alone."""
    array = read_npy(path)
    if array.ndim != 2:
        raise ScanError(
            f"{path.name} must be a sinogram with the detector down and time across, or have a sidecar "
            f"{path.with_suffix('.yaml').name} with 'modality: ct-dynamic', got shape {array.shape}"
        )
    check_shape(path, "samples", array.shape, "(column, frame)")
    check_line_integrals(path, "samples", array.dtype)
    if not np.isfinite(array).all():  # before the halves of a stack are compared
        bad = ~np.isfinite(array)
        raise ScanError(
            f"{path.name}: attenuation must be finite, got {int(bad.sum())} NaN or Inf samples, the first in "
            f"projection {np.flatnonzero(bad.any(axis=0))[0]}"
        )
    n_rows = own_rows(path, array)
    notes = [f"Angles as scan.schedule {schedule} has them, one projection a frame; lengths are in pixels."]
    if n_rows < len(array):
        notes.append(
            f"Rows 0 to {n_rows - 1} are used: rows {n_rows} to {len(array) - 1} are the same projections "
            "seen from the other side (pi-symmetric stack)."
        )
    angles = _scheduled(path, schedule, array.shape[1])
    geometry = FrameGeometry(angles[:, None], centre="pixel")
    return _Series(array[:n_rows].T[None, :, None], geometry, series_labels(1), tuple(notes))


def _described(path: Path, schedule: str | None) -> _Series:
    """A series with its sidecar."""
    sidecar, archive = read_dynamic_sidecar(path), is_npz(path)
    named = {"angles": sidecar.angles, "reference": sidecar.reference}
    texts = {name: text for name, text in named.items() if isinstance(text, str)}
    if archive:
        held = read_npz(path, [sidecar.samples, *texts.values()])
        array, found = held[sidecar.samples], {name: held[text] for name, text in texts.items()}
        files: list[Path] = []
    else:
        array = read_npy(path)
        beside = {name: file_beside(sidecar.path, name, text) for name, text in texts.items()}
        found, files = {name: read_npy(file) for name, file in beside.items()}, list(beside.values())
    check_shape(path, "samples", array.shape, f"({', '.join(sidecar.axes)})")
    check_line_integrals(path, "samples", array.dtype)
    samples = _ordered(path, array, sidecar)
    angles, notes = _angles(path, sidecar, found.get("angles"), schedule, samples.shape)
    reference = found.get("reference")
    if reference is not None:
        reference = reference[None] if reference.ndim == 3 and len(samples) == 1 else reference
        check_series_images(path, reference.shape, samples.shape)
        check_line_integrals(path, "reference", reference.dtype)
    geometry = FrameGeometry(angles, sidecar.column_size_mm, sidecar.axis_column, sidecar.centre)
    return _Series(
        samples,
        geometry,
        sidecar.labels(len(samples)),
        notes,
        reference,
        sidecar.image_pixel_mm,
        (sidecar.path, *files),
        sidecar.source,
    )


def _ordered(path: Path, array: NDArray, sidecar: DynamicSidecar) -> NDArray:
    """A view of ``array`` as (item, frame, view, column)."""
    axes = sidecar.axes
    array = array.transpose([axes.index(axis) for axis in AXES if axis in axes])
    if "item" not in axes:
        array = array[None]
    if "frame" in axes:
        if sidecar.views_per_frame > 1:
            raise ScanError(
                f"{sidecar.path.name}: views_per_frame must be left out where axes name the frame, got "
                f"{sidecar.views_per_frame}"
            )
        return array if "view" in axes else array[:, :, None]
    n_items, n_views, n_columns = array.shape
    frames, left = divmod(n_views, sidecar.views_per_frame)
    if left:
        raise ScanError(
            f"{sidecar.path.name}: views_per_frame must divide the {n_views} views of {path.name}, got "
            f"{sidecar.views_per_frame}"
        )
    return array.reshape(n_items, frames, sidecar.views_per_frame, n_columns)


def _angles(
    path: Path,
    sidecar: DynamicSidecar,
    read: NDArray | None,
    schedule: str | None,
    shape: Sequence[int],
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(frame, view) and notes, from the sidecar, else from the schedule of the recipe."""
    frames_views = (shape[1], shape[2])
    values = sidecar.angles if read is None else read
    if values is not None and not isinstance(values, str):
        return check_frame_angles(sidecar.path, f"angles_{sidecar.unit}", values, sidecar.unit, frames_views)
    named = sidecar.path if sidecar.schedule else path
    angles = _scheduled(named, sidecar.schedule or schedule, shape[1] * shape[2]).reshape(frames_views)
    told = () if sidecar.schedule else (f"Angles as scan.schedule {schedule} has them.",)
    return angles, told


def _scheduled(path: Path, schedule: str | None, n: int) -> NDArray[np.float64]:
    if schedule is None:
        raise ScanError(
            f"{path.name} must have the angles of its projections in a sidecar, or in the recipe's "
            "scan.schedule, got none"
        )
    try:
        return schedule_angles(schedule, n)
    except ValueError as error:
        raise ScanError(f"{path.name}: {error}") from None

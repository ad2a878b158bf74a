"""Projections described by a sidecar: the part that TIFF and NumPy readers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.projections import stack_shape
from proxflow.data.readers.sidecar_fields import file_beside
from proxflow.data.readers.sinogram_sidecar import SinogramSidecar
from proxflow.data.scan import ScanInfo
from proxflow.data.validate import check_shape
from proxflow.data.validate_sinogram import check_real


def stack_info(
    path: Path,
    format: str,
    sidecar: SinogramSidecar,
    shape: Sequence[int],
    dtype: np.dtype,
    companions: Sequence[Path],
    *,
    has_fields: bool,
) -> ScanInfo:
    """The scan's description for samples of ``shape`` in the order of the sidecar's axes.

    ``companions`` are its files but the sidecar and, where it is a file, ``path``. Raises ScanError where
    shape, dtype, angles or labels do not fit.
    """
    check_shape(path, "samples", shape, f"({', '.join(sidecar.axes)})")
    check_real(path, "samples", dtype)
    geometry, notes = sidecar.geometry(shape)
    sizes = dict(zip(sidecar.axes, shape, strict=True))
    full = stack_shape(sidecar.beam, sizes["angle"], sizes.get("row", 1), sizes["column"])
    if sidecar.quantity == "counts" and sidecar.flat is None:
        notes += ("The scan has no flat field.",)
    files = (*([path] if path.is_file() else []), sidecar.path, *companions)
    return ScanInfo(
        path=path,
        format=format,
        shape=full,
        dtype=dtype.newbyteorder("=").name,
        labels=sidecar.labels(full[0]),
        file_bytes=sum(file.stat().st_size for file in files),
        modality="ct",
        acquisition=geometry,
        quantity=sidecar.quantity,
        has_fields=has_fields,
        notes=notes,
        source=sidecar.source,
        companions=(sidecar.path, *companions),
    )


def field_frames(
    path: Path, name: str, array: NDArray, sidecar: SinogramSidecar, shape: Sequence[int]
) -> NDArray:
    """A dark or flat field as (frame, row, column).

    ``array`` is (frame, row, column) or one frame (row, column); without a row axis (frame, column) or
    (column,). Raises ScanError if it is of another shape, or not of real numbers.
    """
    sizes = dict(zip(sidecar.axes, shape, strict=True))
    frame = (sizes["row"], sizes["column"]) if "row" in sizes else (sizes["column"],)
    check_real(path, name, array.dtype)
    if array.ndim == len(frame):
        array = array[None]
    if array.shape[1:] != frame or array.ndim != len(frame) + 1 or len(array) == 0:
        expected = f"(n, {', '.join(map(str, frame))})"
        raise ScanError(f"{path.name}: {name} must have shape {expected}, got {array.shape}")
    return array if "row" in sizes else array[:, None]


def load_fields(
    sidecar: SinogramSidecar, shape: Sequence[int], load: Callable[[Path, str], NDArray]
) -> tuple[dict[str, NDArray], list[Path]]:
    """Dark and flat frames (frame, row, column) from the files the sidecar names, and those files.

    ``load(file, name)`` reads one of them.
    """
    fields, files = {}, []
    for name, text in (("dark", sidecar.dark), ("flat", sidecar.flat)):
        if text is not None:
            file = file_beside(sidecar.path, name, text)
            fields[name] = field_frames(file, name, load(file, name), sidecar, shape)
            files.append(file)
    return fields, list(dict.fromkeys(files))

"""Write a series of projections in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.errors import ScanError
from proxflow.data.validate import check_shape
from proxflow.data.validate_dynamic import (
    AXES,
    check_frame_angles,
    check_frame_geometry,
    check_line_integrals,
    checked_series,
)
from proxflow.data.writers.dataset_h5 import write_dataset
from proxflow.data.writers.measurement_h5 import new_measurement

LEVELS = 2**16 - 1


def write_dynamic_sinogram_h5(
    path: str | Path, series: DynamicSinogram, *, pack_reference: bool = False
) -> Path:
    """Write ``series`` to ``path`` and return it; reading it back gives the same bits.

    With ``pack_reference`` the reference is stored as uint16 multiples of a ``factor``, compressed: it is
    then exact to 1 / 131 070 of its maximum. Chunked per item (the reference per frame) and checksummed,
    without timestamps: equal data give equal files. Raises ScanError if the series makes no sense; then
    nothing is written.
    """
    path, samples = Path(path), series.samples
    check_shape(path, "samples", samples.shape, f"({', '.join(AXES)})")
    check_line_integrals(path, "samples", samples.dtype)
    check_frame_angles(path, "angles", series.angles_rad, "rad", (samples.shape[1], samples.shape[2]))
    check_frame_geometry(path, series.geometry, samples.shape[-1])
    checked_series(path, series, range(len(samples)))
    packed = None
    if pack_reference and series.reference is not None:
        packed = _packed(path, series.reference)
    with new_measurement(path, "ct-dynamic", series.labels, series.source) as file:
        file.attrs["centre"] = series.centre
        write_dataset(
            file,
            "samples",
            samples,
            ", ".join(AXES),
            "1",
            chunks=(1, *samples.shape[1:]),
            fletcher32=True,
        )
        if series.reference is not None:
            _write_reference(file, series.reference, packed)
        _write_geometry(file, series)
    return path


def _packed(path: Path, reference: NDArray) -> tuple[NDArray[np.uint16], float]:
    if reference.min() < 0:
        raise ScanError(
            f"{path.name}: reference must not be negative to be packed, got values down to "
            f"{float(reference.min()):.4g}"
        )
    factor = float(reference.max()) / LEVELS or 1.0
    return np.rint(reference / factor).astype(np.uint16), factor


def _write_reference(
    file: h5py.File, reference: NDArray, packed: tuple[NDArray[np.uint16], float] | None
) -> None:
    chunks, axes = (1, 1, *reference.shape[2:]), "item, frame, y, x"
    if packed is None:
        write_dataset(file, "reference", reference, axes, "1/mm", chunks=chunks, fletcher32=True)
        return
    write_dataset(
        file,
        "reference",
        packed[0],
        axes,
        "1/mm",
        chunks=chunks,
        fletcher32=True,
        compression="gzip",
        compression_opts=9,
        shuffle=True,
    )
    file["reference"].attrs["factor"] = packed[1]


def _write_geometry(file: h5py.File, series: DynamicSinogram) -> None:
    angles = np.asarray(series.angles_rad, np.float64)
    write_dataset(file, "geometry/angles", angles, "frame, view", "rad")
    scalars = {
        "column_size": (series.column_size_mm, "mm"),
        "axis_column": (series.axis_column, "column"),
        "image_pixel": (series.image_pixel_mm, "mm"),
    }
    for name, (value, unit) in scalars.items():
        if value is not None:
            write_dataset(file, f"geometry/{name}", np.array(value, np.float64), "", unit)

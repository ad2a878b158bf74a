"""Write a tomographic measurement in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from proxflow.data.sinogram import Sinogram
from proxflow.data.validate import check_images, check_one_per_item, check_shape
from proxflow.data.validate_angles import check_angles
from proxflow.data.validate_sinogram import (
    AXES,
    check_field_shape,
    check_real,
    check_scan_geometry,
    checked_sinogram,
)
from proxflow.data.writers.dataset_h5 import write_dataset
from proxflow.data.writers.measurement_h5 import new_measurement

LENGTHS = ("column_size", "row_size", "source_origin", "source_detector")


def write_sinogram_h5(path: str | Path, sinogram: Sinogram) -> Path:
    """Write ``sinogram`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per item (per row of a cone scan) and checksummed (Fletcher-32), without timestamps: equal
    data give equal files. Raises ScanError if the sinogram makes no sense; then nothing is written.
    """
    path = Path(path)
    _check(path, sinogram)
    with new_measurement(path, "ct", sinogram.labels, sinogram.source) as file:
        file.attrs.update(quantity=sinogram.quantity, beam=sinogram.geometry.beam)
        _write_arrays(file, sinogram)
        _write_geometry(file, sinogram)
    return path


def _check(path: Path, sinogram: Sinogram) -> None:
    samples, geometry = sinogram.samples, sinogram.geometry
    axes = AXES[4 if geometry.beam == "cone" else 3]
    check_shape(path, "samples", samples.shape, f"({', '.join(axes)})")
    check_real(path, "samples", samples.dtype)
    check_angles(path, "angles", geometry.angles_rad, "rad", dict(zip(axes, samples.shape, strict=True)))
    check_scan_geometry(path, geometry, samples.shape[-1])
    check_one_per_item(path, "labels", sinogram.labels, len(samples))
    for name, field in (("dark", sinogram.dark), ("flat", sinogram.flat)):
        if field is not None:
            check_field_shape(path, name, field.shape, samples.shape)
            check_real(path, name, field.dtype)
    for name, image in (("reference", sinogram.reference), ("labels_image", sinogram.labels_image)):
        if image is not None:
            check_images(path, name, image.shape, len(samples))
    checked_sinogram(path, sinogram, range(len(samples)))


def _write_arrays(file: h5py.File, sinogram: Sinogram) -> None:
    samples = sinogram.samples
    lead = "item, row" if samples.ndim == 4 else "item"
    unit = "counts" if sinogram.quantity == "counts" else "1"
    ones = (1,) * (samples.ndim - 2)
    fields = (("samples", samples, "angle"), ("dark", sinogram.dark, "n"), ("flat", sinogram.flat, "n"))
    for name, array, axis in fields:
        if array is not None:
            write_dataset(
                file,
                name,
                array,
                f"{lead}, {axis}, column",
                unit if name == "samples" else "counts",
                chunks=(*ones, *array.shape[-2:]),
                fletcher32=True,
            )
    images = (("reference", sinogram.reference, "1/mm"), ("labels_image", sinogram.labels_image, "label"))
    for name, image, unit in images:
        if image is not None:
            write_dataset(
                file, name, image, "item, y, x", unit, chunks=(1, *image.shape[1:]), fletcher32=True
            )


def _write_geometry(file: h5py.File, sinogram: Sinogram) -> None:
    geometry = sinogram.geometry
    write_dataset(file, "geometry/angles", np.asarray(geometry.angles_rad, np.float64), "angle", "rad")
    for name in LENGTHS:
        value = getattr(geometry, f"{name}_mm")
        if value is not None:
            write_dataset(file, f"geometry/{name}", np.array(value, np.float64), "", "mm")
    if geometry.axis_column is not None:
        write_dataset(file, "geometry/axis_column", np.array(geometry.axis_column, np.float64), "", "column")
    if sinogram.image_pixel_mm is not None:
        write_dataset(file, "geometry/image_pixel", np.array(sinogram.image_pixel_mm, np.float64), "", "mm")

"""Write a Cartesian MRI measurement in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

from proxflow.data.kspace import KSpace
from proxflow.data.validate import check_complex, check_shape, checked
from proxflow.data.writers.dataset_h5 import write_dataset, write_geometry
from proxflow.data.writers.measurement_h5 import new_measurement, write_mri_arrays


def write_kspace_h5(path: str | Path, kspace: KSpace) -> Path:
    """Write ``kspace`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per item and checksummed (Fletcher-32), without timestamps: equal data give equal files.
    Raises ScanError if the k-space makes no sense (not finite, wrong mask, all zero); then nothing
    is written.
    """
    path = Path(path)
    check_shape(path, "kspace", kspace.samples.shape)
    check_complex(path, "kspace", kspace.samples.dtype)
    checked(path, kspace, range(len(kspace.samples)))
    with new_measurement(path, "mri-cartesian", kspace.labels, kspace.source) as file:
        write_mri_arrays(file, kspace.samples, "item, coil, ky, kx", kspace.noise, kspace.reference)
        mask, chunks = kspace.mask, (1, *kspace.mask.shape[1:])
        write_dataset(file, "mask", mask, "item, ky, kx", "1", chunks=chunks, compression="gzip")
        write_geometry(file, kspace.geometry)
    return path

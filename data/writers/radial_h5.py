"""Write non-Cartesian MRI in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.validate_radial import checked_radial
from proxflow.data.writers.dataset_h5 import write_dataset, write_geometry
from proxflow.data.writers.measurement_h5 import new_measurement, write_mri_arrays


def write_radial_h5(path: str | Path, kspace: RadialKSpace) -> Path:
    """Write ``kspace`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per item and checksummed (Fletcher-32), without timestamps: equal data give equal files.
    Raises ScanError if the k-space makes no sense (not finite, all zero, a trajectory that does not
    fit); then nothing is written.
    """
    path = Path(path)
    checked_radial(path, kspace, range(len(kspace.samples)))
    with new_measurement(path, "mri-radial", kspace.labels, kspace.source) as file:
        write_mri_arrays(file, kspace.samples, "item, coil, spoke, readout", kspace.noise, kspace.reference)
        axes, units = "spoke, readout, (ky, kx)", "cycles per field of view"
        trajectory = kspace.trajectory
        write_dataset(file, "trajectory", trajectory, axes, units, chunks=trajectory.shape, fletcher32=True)
        write_geometry(file, kspace.geometry)
    return path

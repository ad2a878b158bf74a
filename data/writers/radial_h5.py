"""Write non-Cartesian MRI in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.validate_radial import checked_radial
from proxflow.data.writers.dataset_h5 import atomic_h5, write_dataset, write_geometry

FORMAT_VERSION = 1
# One chunk per item up to this size, else per coil: a slice is read without its neighbours.
MAX_CHUNK_BYTES = 64 * 2**20


def write_radial_h5(path: str | Path, kspace: RadialKSpace) -> Path:
    """Write ``kspace`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per item and checksummed (Fletcher-32), without timestamps: equal data give equal files.
    Raises ScanError if the k-space makes no sense (not finite, all zero, a trajectory that does not
    fit); then nothing is written.
    """
    path = Path(path)
    checked_radial(path, kspace, range(len(kspace.samples)))
    with atomic_h5(path) as file:
        file.attrs.update(proxflow_format="measurement", format_version=FORMAT_VERSION, modality="mri-radial")
        _write_arrays(file, kspace)
        write_geometry(file, kspace.geometry)
        source = file.create_group("source")
        for name, text in kspace.source.items():
            source.attrs[name] = text
    return path


def _write_arrays(file: h5py.File, kspace: RadialKSpace) -> None:
    samples = kspace.samples
    per_item = samples[0].nbytes <= MAX_CHUNK_BYTES
    chunks = (1, samples.shape[1] if per_item else 1, *samples.shape[2:])
    axes = "item, coil, spoke, readout"
    write_dataset(file, "kspace", samples, axes, "arbitrary", chunks=chunks, fletcher32=True)
    axes, units = "spoke, readout, (ky, kx)", "cycles per field of view"
    trajectory = kspace.trajectory
    write_dataset(file, "trajectory", trajectory, axes, units, chunks=trajectory.shape, fletcher32=True)
    labels = np.array(kspace.labels, dtype=h5py.string_dtype())
    write_dataset(file, "labels", labels, "item", "")
    if kspace.noise is not None:
        write_dataset(file, "noise", kspace.noise, "coil, sample", "arbitrary, as kspace")
    if kspace.reference is not None:
        chunks = (1, *kspace.reference.shape[1:])
        write_dataset(
            file, "reference", kspace.reference, "item, y, x", "arbitrary", chunks=chunks, fletcher32=True
        )

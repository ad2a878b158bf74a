"""Write a series of MRI frames in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.validate_dynamic_kspace import checked_series
from proxflow.data.writers.dataset_h5 import write_dataset, write_geometry
from proxflow.data.writers.measurement_h5 import MAX_CHUNK_BYTES, new_measurement

STORAGE: dict[str, Any] = {"fletcher32": True, "compression": "gzip", "shuffle": True}


def write_dynamic_kspace_h5(path: str | Path, kspace: DynamicKSpace) -> Path:
    """Write ``kspace`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per frame, or per item where that is small, compressed without loss and checksummed
    (Fletcher-32), without timestamps: equal data give equal files.
    Raises ScanError if the k-space makes no sense; then nothing is written.
    """
    path = Path(path)
    checked_series(path, kspace, range(len(kspace.samples)))
    spokes = kspace.trajectory is not None
    axes = "spoke, readout" if spokes else "ky, kx"
    with new_measurement(path, "mri-dynamic", kspace.labels, kspace.source) as file:
        per_item = kspace.samples[0].nbytes <= MAX_CHUNK_BYTES
        chunks = (1, kspace.samples.shape[1] if per_item else 1, *kspace.samples.shape[2:])
        name = f"item, frame, coil, {axes}"
        write_dataset(file, "kspace", kspace.samples, name, "arbitrary", chunks=chunks, **STORAGE)
        if kspace.trajectory is not None:
            name, units = "frame, spoke, readout, (ky, kx)", "cycles per field of view"
            write_dataset(file, "trajectory", kspace.trajectory, name, units, **STORAGE)
        if kspace.mask is not None:
            name = "frame, spoke" if spokes else "frame, ky, kx"
            write_dataset(file, "mask", kspace.mask, name, "1", compression="gzip")
        if kspace.frame_labels:
            labels = np.array(kspace.frame_labels, dtype=h5py.string_dtype())
            write_dataset(file, "frame_labels", labels, "frame", "")
        if kspace.coil_maps is not None:
            write_dataset(file, "coil_maps", kspace.coil_maps, "item, coil, y, x", "1", **STORAGE)
        if kspace.noise is not None:
            write_dataset(file, "noise", kspace.noise, "coil, sample", "arbitrary, as kspace")
        if kspace.reference is not None:
            write_dataset(file, "reference", kspace.reference, "item, frame, y, x", "arbitrary", **STORAGE)
        write_geometry(file, kspace.geometry)
    return path

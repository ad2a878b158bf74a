"""What all modalities of our own HDF5 measurement form are written with (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.writers.dataset_h5 import atomic_h5, write_dataset

FORMAT_VERSION = 1
# One chunk per item up to this size, else per coil: a slice is read without its neighbours.
MAX_CHUNK_BYTES = 64 * 2**20


@contextmanager
def new_measurement(
    path: Path, modality: str, labels: Sequence[str], source: Mapping[str, str]
) -> Iterator[h5py.File]:
    """A new measurement file with its labels and source, to which the block adds the rest; whole or not."""
    with atomic_h5(path) as file:
        file.attrs.update(proxflow_format="measurement", format_version=FORMAT_VERSION, modality=modality)
        write_dataset(file, "labels", np.array(labels, dtype=h5py.string_dtype()), "item", "")
        group = file.create_group("source")
        for name, text in source.items():
            group.attrs[name] = text
        yield file


def write_mri_arrays(
    file: h5py.File, samples: NDArray, axes: str, noise: NDArray | None, reference: NDArray | None
) -> None:
    """``kspace`` (item, coil, ...) in chunks with checksums, and noise and reference if there are any."""
    per_item = samples[0].nbytes <= MAX_CHUNK_BYTES
    chunks = (1, samples.shape[1] if per_item else 1, *samples.shape[2:])
    write_dataset(file, "kspace", samples, axes, "arbitrary", chunks=chunks, fletcher32=True)
    if noise is not None:
        write_dataset(file, "noise", noise, "coil, sample", "arbitrary, as kspace")
    if reference is not None:
        chunks = (1, *reference.shape[1:])
        write_dataset(file, "reference", reference, "item, y, x", "arbitrary", chunks=chunks, fletcher32=True)

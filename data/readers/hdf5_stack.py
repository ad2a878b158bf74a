"""Still images in HDF5 files that follow no format, read one by one."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import kept_open, own_dataset, read_all, reading, top_level
from proxflow.data.readers.hdf5_images import own_arrays, said_of
from proxflow.data.readers.stack_names import NUMBERS, WHO, names_of, only_stack
from proxflow.data.readers.still_stack import StillStack

SLOTS_PER_CHUNK = 100  # of the hash table of HDF5's chunk cache, as its manual advises
MOST_SLOTS = 1_000_000  # 8 MB, unless there are more chunks
DROP_READ_FIRST = 1.0  # of that cache: chunks that were read to their end go first


def hdf5_stack(path: Path, array: str = "") -> StillStack:
    """The images (..., y, x) of the dataset ``array``, or of the only one, times its attribute ``factor``.

    Raises ScanError where the file is damaged, has no such dataset, or one that holds no numbers.
    """
    with kept_open(path) as file:
        name = array.strip("/") or only_stack(own_arrays(file, path, NUMBERS), path)
        if file.get(name, getlink=True) is None:
            raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")
        dataset = own_dataset(file, path, name)
        if dataset.dtype.kind not in NUMBERS or dataset.shape is None:
            got = "nothing" if dataset.shape is None else dataset.dtype
            raise ScanError(f"{path.name}: {name} must hold numbers, got {got}")
        said = said_of(file, path, dataset)
        who = next((key for key in WHO if key in file), None)
        whose = names_of(read_all(path, own_dataset(file, path, who))) if who else ()
        n_chunks, kept = chunks_of_an_image(dataset)
        del dataset  # HDF5 fits a cache only to what is not open yet
        images = _with_cache(file, name, n_chunks, kept)

    def plane(index: tuple[int, ...]) -> NDArray:
        with reading(path, name):
            return said.scaled(np.asarray(images[index]))

    return StillStack(
        images.shape,
        said.scaled(np.empty(0, images.dtype)).dtype,
        plane,
        whose,
        said.source | ({"units": said.units} if said.units else {}),
        held_bytes=kept,
        close=file.close,
    )


def chunks_of_an_image(dataset: h5py.Dataset) -> tuple[int, int]:
    """How many chunks one image (y, x) meets, and the bytes of these; (0, 0) where no other image is in them,
    or parts of a chunk are read.

    Compressed chunks are read as a whole: unless those of several images are kept until the next one is read,
    they are decompressed again for each.
    """
    chunks = dataset.chunks
    if chunks is None or not dataset.id.get_create_plist().get_nfilters() or math.prod(chunks[:-2]) == 1:
        return 0, 0
    across = [-(-size // chunk) for size, chunk in zip(dataset.shape[-2:], chunks[-2:], strict=True)]
    n_chunks = math.prod(across)
    return n_chunks, n_chunks * math.prod(chunks) * dataset.dtype.itemsize


def _with_cache(file: h5py.File, name: str, n_chunks: int, kept: int) -> h5py.Dataset:
    """A dataset that keeps as many chunks in memory, where that is more than HDF5 keeps by itself."""
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    _, usual, _ = access.get_chunk_cache()
    if kept > usual:
        slots = max(n_chunks, min(SLOTS_PER_CHUNK * n_chunks, MOST_SLOTS)) + 1
        access.set_chunk_cache(slots, kept, DROP_READ_FIRST)
    return h5py.Dataset(h5py.h5d.open(file.id, name.encode(), access))

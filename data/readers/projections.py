"""What the readers of projection stacks share: rows fetched block by block, made into a Sinogram."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import reading
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.validate_sinogram import checked_sinogram

# Reads the detector rows named, in that order: (row, frame, column), native byte order.
RowReader = Callable[[Sequence[int]], NDArray]

# What is read at once beside the result: small, so that a budget for the result is a budget for all.
MAX_BLOCK_BYTES = 32 * 2**20
# Rows up to so many apart are read as one block: frames are stored, and packed, as a whole.
LARGEST_ROW_STEP = 4


@dataclass(frozen=True)
class Projections:
    """How to read the rows of a scan's projections, and of its dark and flat frames if it has them."""

    samples: RowReader
    dark: RowReader | None = None
    flat: RowReader | None = None


def stack_shape(beam: str, n_angles: int, n_rows: int, n_columns: int) -> tuple[int, ...]:
    """Shape of the samples: one item per row, for a cone one item with all rows."""
    return (1, n_rows, n_angles, n_columns) if beam == "cone" else (n_rows, n_angles, n_columns)


def row_labels(beam: str, n_rows: int) -> tuple[str, ...]:
    """Labels of the items where the file names none."""
    return ("scan",) if beam == "cone" else tuple(f"row {i}" for i in range(n_rows))


def read_projections(source: Projections, info: ScanInfo, items: Sequence[int] | None) -> Sinogram:
    """The items asked for as a checked Sinogram."""
    chosen = chosen_items(info, items)
    cone = len(info.shape) == 4
    rows = range(info.shape[1]) if cone else chosen

    def fetch(reader: RowReader | None) -> NDArray | None:
        if reader is None:
            return None
        array = reader(rows)
        return np.repeat(array[None], len(chosen), axis=0) if cone else array

    samples = fetch(source.samples)
    if samples is None or not isinstance(info.acquisition, ScanGeometry) or info.quantity is None:
        raise ScanError(f"{info.path.name} must be a CT scan, got one without projections or geometry")
    sinogram = Sinogram(
        samples=samples,
        quantity=info.quantity,
        geometry=info.acquisition,
        labels=tuple(info.labels[i] for i in chosen),
        dark=fetch(source.dark),
        flat=fetch(source.flat),
        source=info.source,
    )
    return checked_sinogram(info.path, sinogram, chosen)


def runs(numbers: Sequence[int] | NDArray[np.intp], largest_step: int = 1) -> Iterator[tuple[slice, slice]]:
    """Ascending runs of numbers: where they go in the result, what block to read from the file.

    A step of more than ``largest_step`` ends a run; with 1, a run's numbers are its whole block.
    """
    values = np.asarray(numbers)
    start = 0
    steps = np.diff(values)
    for stop in [*(np.flatnonzero((steps < 1) | (steps > largest_step)) + 1), len(values)]:
        yield slice(start, stop), slice(int(values[start]), int(values[stop - 1]) + 1)
        start = stop


def hdf5_rows(path: Path, dataset: h5py.Dataset, frames: NDArray[np.intp] | None = None) -> RowReader:
    """Reader of rows of an HDF5 dataset (frame, row, column), of all frames or of those named.

    Rows near one another are read at once: a file chunked by frames is gone through once per run of rows,
    not once per row.
    """
    chosen = np.arange(dataset.shape[0]) if frames is None else frames
    name = (dataset.name or "").lstrip("/")

    def read(rows: Sequence[int]) -> NDArray:
        dtype = dataset.dtype.newbyteorder("=")
        result = np.empty((len(rows), len(chosen), dataset.shape[2]), dtype=dtype)
        with reading(path, name):
            for row_place, row_block in runs(rows, LARGEST_ROW_STEP):
                picked = np.asarray(rows)[row_place] - row_block.start
                frame_bytes = (row_block.stop - row_block.start) * dataset.shape[2] * dtype.itemsize
                for frame_place, frame_block in _pieces(runs(chosen), dataset, frame_bytes):
                    block = dataset[frame_block, row_block][:, picked]
                    result[row_place, frame_place] = block.transpose(1, 0, 2)
        return result

    return read


def _pieces(
    blocks: Iterator[tuple[slice, slice]], dataset: h5py.Dataset, frame_bytes: int
) -> Iterator[tuple[slice, slice]]:
    """``blocks`` of frames cut to about MAX_BLOCK_BYTES, at chunk borders: no chunk is unpacked twice."""
    chunk = dataset.chunks[0] if dataset.chunks else 1
    step = max(MAX_BLOCK_BYTES // (frame_bytes * chunk), 1) * chunk
    for place, block in blocks:
        start = block.start
        while start < block.stop:
            stop = min((start // step + 1) * step, block.stop)
            shift = place.start - block.start
            yield slice(start + shift, stop + shift), slice(start, stop)
            start = stop


def array_rows(array: NDArray) -> RowReader:
    """Reader of rows of an array (frame, row, column) in memory or memory-mapped."""

    def read(rows: Sequence[int]) -> NDArray:
        dtype = array.dtype.newbyteorder("=")
        result = np.empty((len(rows), array.shape[0], array.shape[2]), dtype=dtype)
        for row_place, row_block in runs(rows):
            result[row_place] = array[:, row_block].transpose(1, 0, 2)
        return result

    return read

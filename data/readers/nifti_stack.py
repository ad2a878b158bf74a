"""Slices of NIfTI volumes as still images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.quiet import quiet
from proxflow.data.readers.still_stack import StillStack, held_stack
from proxflow.data.validate import check_declared_size


def nifti_stack(path: Path) -> StillStack:
    """Images (..., y, x) of a file with axes (x, y, ...), as they lie in it; the affine is not used.

    Of ``.nii`` each is read by itself; ``.nii.gz`` is decompressed once, as a whole.
    Raises ScanError where the file is damaged or cut short.
    """
    import nibabel

    with _reading(path):
        volume: Any = nibabel.load(path).dataobj  # type: ignore[attr-defined]
        sizes, stored = tuple(int(size) for size in volume.shape), volume.dtype
        scaled = (volume.slope, volume.inter) != (1, 0)
        dtype = np.result_type(stored, np.float64) if scaled else stored
    if len(sizes) < 2 or min(sizes) < 1:
        raise ScanError(f"{path.name} must have axes (x, y, ...), got shape {sizes}")
    shape, nbytes = (*sizes[2:], sizes[1], sizes[0]), math.prod(sizes) * stored.itemsize
    if path.name.lower().endswith(".gz"):
        check_declared_size(path, "the volume", nbytes, path.stat().st_size)
        both = math.prod(sizes) * dtype.itemsize + (nbytes if scaled else 0)  # scaled ones, beside the stored
        return held_stack(lambda: _whole(path, volume), shape, dtype, held_bytes=both)
    declared, held = volume.offset + nbytes, path.stat().st_size
    if held < declared:
        raise ScanError(f"{path.name} must hold its {declared} declared bytes, got {held} (unfinished file)")

    def plane(index: tuple[int, ...]) -> NDArray:
        with _reading(path):
            return np.asarray(volume[(slice(None), slice(None), *index)]).T

    return StillStack(shape, dtype, plane)


def _whole(path: Path, volume: Any) -> NDArray:
    with _reading(path):
        return np.moveaxis(np.asanyarray(volume), (0, 1), (-1, -2))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """nibabel raises what the damaged byte happens to cause, and logs besides."""
    try:
        with quiet("nibabel.global"):
            yield
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ScanError(f"{path.name} must be a readable NIfTI file, got an error: {reason}") from error

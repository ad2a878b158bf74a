"""Arrays of images in HDF5 files that follow no format: which there are, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import reading


class Said(NamedTuple):
    """factor: of the values, None where the file gives none.  units: of the values after that, or "".
    source: what the file says of its own origin and licence."""

    factor: float | None
    units: str
    source: dict[str, str]

    def scaled(self, values: NDArray) -> NDArray:
        """``values`` in ``units``."""
        return values if self.factor is None else values * self.factor


def own_arrays(file: h5py.File, path: Path, kinds: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the datasets at the file's top whose dtype is one of ``kinds``; links, which may dangle, are
    left out."""
    with reading(path, "the file's structure"):
        own = [name for name in file if _is_own(file, name)]
        found = {name: file[name] for name in own}
        return {
            name: one.shape
            for name, one in found.items()
            if isinstance(one, h5py.Dataset) and one.dtype.kind in kinds and one.shape is not None
        }


def said_of(file: h5py.File, path: Path, dataset: h5py.Dataset) -> Said:
    """The attributes ``factor`` and ``units`` of a dataset, and those of the file's own group ``source``.

    Raises ScanError where ``factor`` is not one finite number.
    """
    with reading(path, "attributes"):
        attributes = dict(dataset.attrs.items())
        source = file["source"].attrs.items() if _is_own(file, "source") else ()
        told = {name: as_text(text) for name, text in source}
    factor = _factor(path, (dataset.name or "").lstrip("/"), attributes.get("factor"))
    return Said(factor, as_text(attributes.get("units", "")), told)


def as_text(value: Any) -> str:
    """A text of an HDF5 or NumPy file, which may be bytes there, or empty."""
    if isinstance(value, h5py.Empty):
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _is_own(file: h5py.File, name: str) -> bool:
    return isinstance(file.get(name, getlink=True), h5py.HardLink)


def _factor(path: Path, name: str, value: Any) -> float | None:
    if value is None:
        return None
    empty = isinstance(value, h5py.Empty)
    numbers = np.asarray(() if empty else value)
    if numbers.size != 1 or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        got = "nothing" if empty else repr(value) if numbers.ndim == 0 else f"shape {numbers.shape}"
        raise ScanError(f"{path.name}: the attribute factor of {name} must be one finite number, got {got}")
    return float(numbers.item())

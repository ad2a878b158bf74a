"""Read BART's .cfl/.hdr pair: column-major complex64 with sixteen named dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.readers.unsampled import mask_from_zeros
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import checked

# BART's mri.h; dimensions 5 and up become items, the first of them running fastest.
NAMES = (
    *("read", "phs1", "phs2", "coil", "maps", "echo", "coeff", "coeff2"),
    *("iter", "cshift", "time", "time2", "level", "slice", "avg", "batch"),
)
FIRST_ITEM_AXIS = 5


class BartScan(Scan):
    """Cartesian BART k-space, memory-mapped: only the items read are touched.

    ``path`` ends in .cfl, .hdr or neither. The plane is the two of read, phs1, phs2 that are not 1, the
    later one our ky. k-space is centred as BART's ``fft -u`` leaves it. Samples zero in every coil are
    unsampled.

    Raises ScanError if a file of the pair is missing, the sizes disagree, or the plane is 3-D.
    """

    def __init__(self, path: Path) -> None:
        stem = path.with_suffix("") if path.suffix in (".cfl", ".hdr") else path
        header, data = (stem.with_name(stem.name + suffix) for suffix in (".hdr", ".cfl"))
        for file in (header, data):
            if not file.is_file():
                raise ScanError(f"{file} must exist beside its partner, got no such file")
        dims = _read_dims(header)
        self._path = data
        size = data.stat().st_size
        if size != 8 * math.prod(dims):
            shown = " ".join(map(str, dims))
            raise ScanError(
                f"{data.name} must hold {8 * math.prod(dims)} bytes for dimensions {shown}, got {size}"
            )
        self._map = np.memmap(data, dtype="<c8", mode="r").reshape(-1, dims[3], *_plane(data, dims))
        labels = _labels(dims)
        matrix = self._map.shape[2], self._map.shape[3]
        self._geometry = Geometry(matrix, slices=_slices(dims))
        self.info = ScanInfo(
            path=data,
            format="bart",
            shape=self._map.shape,
            dtype="complex64",
            labels=labels,
            geometry=self._geometry,
            file_bytes=size + header.stat().st_size,
            companions=(header,),
            notes=("Samples that are zero in every coil count as unsampled.",),
        )

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        samples = self._map[rows].astype(np.complex64, copy=False)
        kspace = KSpace(
            samples=samples,
            mask=mask_from_zeros(samples),
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
        )
        return checked(self._path, kspace, rows)

    def close(self) -> None:
        del self._map


def _read_dims(header: Path) -> list[int]:
    """The sixteen dimensions; missing trailing ones are 1."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        numbers = [int(word) for word in lines[lines.index("# Dimensions") + 1].split()]
    except (ValueError, IndexError) as error:
        raise ScanError(
            f"{header.name} must hold '# Dimensions' and a line of integers, got {lines[:2]}"
        ) from error
    if not 1 <= len(numbers) <= len(NAMES) or min(numbers) < 1:
        raise ScanError(
            f"{header.name}: dimensions must be 1 to {len(NAMES)} positive integers, got {numbers}"
        )
    return numbers + [1] * (len(NAMES) - len(numbers))


def _plane(path: Path, dims: list[int]) -> tuple[int, int]:
    read, phs1, phs2 = dims[:3]
    if dims[4] != 1:
        raise ScanError(
            f"{path.name}: maps must be 1 in k-space, got {dims[4]} (these are coil maps or images)"
        )
    if phs2 == 1:
        return phs1, read
    if read == 1 or phs1 == 1:
        return phs2, phs1 * read
    raise ScanError(
        f"{path.name}: one of read, phs1, phs2 must be 1, got {read} x {phs1} x {phs2}; transform a fully "
        "sampled one (bart fft -u -i) and move it to the slice dimension 13"
    )


def _positions(dims: list[int]) -> list[tuple[int, ...]]:
    """Index along dimensions 5 to 15 of each item."""
    sizes = dims[FIRST_ITEM_AXIS:]
    return [index[::-1] for index in np.ndindex(*sizes[::-1])]


def _slices(dims: list[int]) -> tuple[int, ...]:
    axis = NAMES.index("slice") - FIRST_ITEM_AXIS
    return tuple(index[axis] for index in _positions(dims))


def _labels(dims: list[int]) -> tuple[str, ...]:
    varying = [axis for axis in range(FIRST_ITEM_AXIS, len(NAMES)) if dims[axis] > 1] or [
        NAMES.index("slice")
    ]
    return tuple(
        ", ".join(f"{NAMES[axis]} {index[axis - FIRST_ITEM_AXIS]}" for axis in varying)
        for index in _positions(dims)
    )

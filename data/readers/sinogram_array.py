"""Read tomographic projections from .npy or .npz with a sidecar that says how they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.npz_arrays import is_npz, read_npy, read_npz
from proxflow.data.readers.projections import Projections, array_rows, read_projections
from proxflow.data.readers.sidecar_stack import field_frames, load_fields, stack_info
from proxflow.data.readers.sinogram_sidecar import AXES, SinogramSidecar, read_sinogram_sidecar
from proxflow.data.scan import Scan
from proxflow.data.sinogram import Sinogram
from proxflow.data.validate import check_shape


class SinogramArrayScan(Scan):
    """A .npy array (memory-mapped: only the rows read are touched) or an .npz (its arrays read whole).

    The sidecar, with ``modality: ct``, orders the axes angle, column and perhaps row. ``dark`` and
    ``flat`` are keys of the .npz, for a .npy files beside it. Pickled objects are never loaded.

    Raises ScanError if the sidecar is missing or wrong, or the arrays do not fit it.
    """

    def __init__(self, path: Path) -> None:
        archive = is_npz(path)
        sidecar = read_sinogram_sidecar(path)
        if archive:
            keys = {"samples": sidecar.samples, "dark": sidecar.dark, "flat": sidecar.flat}
            held = read_npz(path, [key for key in keys.values() if key is not None])
            found = {name: held[key] for name, key in keys.items() if key is not None}
            array = found.pop("samples")
        else:
            array = read_npy(path)
        check_shape(path, "samples", array.shape, f"({', '.join(sidecar.axes)})")
        if archive:
            fields = {
                name: field_frames(path, name, one, sidecar, array.shape) for name, one in found.items()
            }
            files: list[Path] = []
        else:
            fields, files = load_fields(sidecar, array.shape, _load_npy)
        self.info = stack_info(
            path, "numpy", sidecar, array.shape, array.dtype, files, has_fields=bool(fields)
        )
        self._source: Projections | None = Projections(
            array_rows(_as_frames(array, sidecar)),
            **{name: array_rows(frames) for name, frames in fields.items()},
        )

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        if self._source is None:
            raise ScanError(f"{self.info.path.name} must be open to be read, got a closed scan")
        return read_projections(self._source, self.info, items)

    def close(self) -> None:
        self._source = None  # frees the memory map


def _as_frames(array: NDArray, sidecar: SinogramSidecar) -> NDArray:
    """A view of ``array`` as (angle, row, column)."""
    axes = sidecar.axes
    array = array.transpose([axes.index(axis) for axis in AXES if axis in axes])
    return array if "row" in axes else array[:, None]


def _load_npy(file: Path, name: str) -> NDArray:
    if is_npz(file):
        raise ScanError(f"{file.name} must be a .npy file, as the {name} of a .npy scan, got an .npz")
    return read_npy(file)

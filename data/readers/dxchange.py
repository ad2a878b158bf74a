"""Read Data Exchange (DXchange) HDF5, the raw tomography of the Advanced Photon Source and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading, top_level
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.projections import Projections, hdf5_rows, read_projections, row_labels
from proxflow.data.readers.units_h5 import angle_unit, length_mm
from proxflow.data.scan import ScanInfo
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.validate import check_shape
from proxflow.data.validate_angles import check_angles
from proxflow.data.validate_sinogram import check_real, check_scan_geometry

AXES = "(angle, row, column)"
FIELDS = {"dark": "exchange/data_dark", "flat": "exchange/data_white"}
DETECTOR = "measurement/instrument/detector"
NAMES = {"column_size_mm": f"{DETECTOR}/x_pixel_size", "row_size_mm": f"{DETECTOR}/y_pixel_size"}
TEXTS = {
    "title": "exchange/title",
    "sample": "measurement/sample/name",
    "instrument": "measurement/instrument/name",
}


def is_dxchange(file: h5py.File) -> bool:
    """Whether the open file has a group ``exchange`` with ``data`` in it."""
    exchange = file.get("exchange")
    return isinstance(exchange, h5py.Group) and "data" in exchange


class DxchangeScan(Hdf5Scan):
    """Counts ``exchange/data`` (angle, row, column) of parallel rays, an item per detector row.

    ``data_white`` and ``data_dark`` are its flat and dark fields. ``theta`` is in degrees unless its
    ``units`` say radians; one without units that spans pi or 2 pi is taken as radians, with a note. The
    detector's ``x_pixel_size`` and ``y_pixel_size`` (m unless stated) are the sizes of columns and rows:
    of the detector itself, whatever its optics magnify. Rows are read from disk as they are asked for.

    Raises ScanError if a dataset is missing, a link, of the wrong shape or type, or the angles make no
    sense.
    """

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        return read_projections(self._source, self.info, items)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        if not is_dxchange(file):
            raise ScanError(f"{path} must be Data Exchange with exchange/data, got {top_level(file)}")
        data = own_dataset(file, path, "exchange/data")
        check_shape(path, "exchange/data", data.shape, AXES)
        check_real(path, "exchange/data", data.dtype)
        _check_named_axes(path, data)
        n_angles, n_rows, n_columns = data.shape
        fields = {name: self._field(key, data.shape) for name, key in FIELDS.items() if key in file}
        self._source = Projections(
            hdf5_rows(path, data), **{name: hdf5_rows(path, one) for name, one in fields.items()}
        )
        theta = own_dataset(file, path, "exchange/theta")
        with reading(path, "exchange/theta"):
            values = theta[()]
        sizes = {"angle": n_angles, "row": n_rows, "column": n_columns}
        angles, notes = check_angles(path, "exchange/theta", values, angle_unit(path, theta), sizes)
        geometry = ScanGeometry(
            beam="parallel",
            angles_rad=angles,
            column_size_mm=length_mm(file, path, f"{DETECTOR}/x_pixel_size", "m"),
            row_size_mm=length_mm(file, path, f"{DETECTOR}/y_pixel_size", "m"),
        )
        notes += check_scan_geometry(path, geometry, n_columns, NAMES)
        missing = [key for key in FIELDS.values() if key not in file]
        if missing:
            notes += (f"The file has no {' and no '.join(missing)}.",)
        return ScanInfo(
            path=path,
            format="dxchange",
            shape=(n_rows, n_angles, n_columns),
            dtype=data.dtype.newbyteorder("=").name,
            labels=row_labels("parallel", n_rows),
            file_bytes=path.stat().st_size,
            modality="ct",
            acquisition=geometry,
            quantity="counts",
            has_fields=bool(fields),
            notes=notes,
            source=self._texts(),
        )

    def _field(self, name: str, shape: tuple[int, int, int]) -> h5py.Dataset:
        dataset = own_dataset(self._file, self._path, name)
        check_shape(self._path, name, dataset.shape, "(frame, row, column)")
        check_real(self._path, name, dataset.dtype)
        if dataset.shape[1:] != shape[1:]:
            raise ScanError(
                f"{self._path.name}: {name} must have shape (n, {shape[1]}, {shape[2]}), got {dataset.shape}"
            )
        return dataset

    def _texts(self) -> dict[str, str]:
        found = {}
        for label, name in TEXTS.items():
            if name in self._file:
                dataset = own_dataset(self._file, self._path, name)
                with reading(self._path, name):
                    value = np.asarray(dataset[()]).ravel()
                if value.size == 1:
                    text = value[0]
                    found[label] = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return found


def _check_named_axes(path: Path, data: h5py.Dataset) -> None:
    """The standard lets a file name its axes, ``theta:y:x``: another order is not ours to guess."""
    axes = data.attrs.get("axes")
    axes = axes.decode("utf-8", "replace") if isinstance(axes, bytes) else axes
    if isinstance(axes, str) and axes.count(":") == 2 and "theta" in axes and not axes.startswith("theta"):
        raise ScanError(f"{path.name}: axes of exchange/data must be theta:y:x, got {axes}")

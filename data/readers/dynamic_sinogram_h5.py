"""Read Proxflow's own HDF5 form of a series of projections (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import Centre, DynamicSinogram, FrameGeometry
from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_measurement,
    measurement_modality,
    own_scan_info,
)
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import check_shape
from proxflow.data.validate_dynamic import (
    AXES,
    check_frame_angles,
    check_frame_geometry,
    check_line_integrals,
    check_series_images,
    checked_series,
)


def is_dynamic_sinogram_h5(file: h5py.File) -> bool:
    """Whether the open file says it is one of our series of projections."""
    return measurement_modality(file) == "ct-dynamic"


class DynamicSinogramH5Scan(Hdf5Scan):
    """One of our own files of dynamic CT; items are read one by one. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> DynamicSinogram:
        rows = chosen_items(self.info, items)
        path, file, geometry = self._path, self._file, self._geometry
        series = DynamicSinogram(
            samples=read_rows(path, file["samples"], rows),
            angles_rad=geometry.angles_rad,
            labels=tuple(self.info.labels[i] for i in rows),
            column_size_mm=geometry.column_size_mm,
            axis_column=geometry.axis_column,
            centre=geometry.centre,
            image_pixel_mm=self._scalar("geometry/image_pixel"),
            reference=self._reference(rows),
            source=self.info.source,
        )
        return checked_series(path, series, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        check_measurement(file, path, "ct-dynamic", ("samples", "labels"))
        samples = own_dataset(file, path, "samples")
        check_shape(path, "samples", samples.shape, f"({', '.join(AXES)})")
        check_line_integrals(path, "samples", samples.dtype)
        self._geometry, notes = self._read_geometry(samples.shape)
        if "reference" in file:
            self._check_reference(samples.shape)
        return own_scan_info(
            file,
            path,
            samples,
            has_reference="reference" in file,
            modality="ct-dynamic",
            acquisition=self._geometry,
            quantity="attenuation",
            notes=notes,
        )

    def _read_geometry(self, shape: tuple[int, ...]) -> tuple[FrameGeometry, tuple[str, ...]]:
        path, name = self._path, "geometry/angles"
        values = read_all(path, own_dataset(self._file, path, name))
        angles, notes = check_frame_angles(path, name, values, "rad", (shape[1], shape[2]))
        geometry = FrameGeometry(
            angles,
            column_size_mm=self._scalar("geometry/column_size"),
            axis_column=self._scalar("geometry/axis_column"),
            centre=self._centre(),
        )
        return geometry, notes + check_frame_geometry(path, geometry, shape[-1])

    def _centre(self) -> Any:
        value, known = self._file.attrs.get("centre", "middle"), get_args(Centre)
        if value not in known:
            raise ScanError(f"{self._path.name}: centre must be one of {', '.join(known)}, got {value}")
        return value

    def _check_reference(self, shape: tuple[int, ...]) -> None:
        path = self._path
        dataset = own_dataset(self._file, path, "reference")
        check_series_images(path, dataset.shape, shape)
        packed = dataset.dtype == np.uint16
        factor = dataset.attrs.get("factor")
        if packed and not (isinstance(factor, float) and np.isfinite(factor) and factor > 0):
            raise ScanError(f"{path.name}: reference in uint16 must have a positive factor, got {factor}")
        if not packed and (dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8):
            raise ScanError(f"{path.name}: reference must be real floats or uint16, got {dataset.dtype}")

    def _reference(self, rows: list[int]) -> NDArray | None:
        if "reference" not in self._file:
            return None
        dataset = self._file["reference"]
        images = read_rows(self._path, dataset, rows)
        if images.dtype != np.uint16:
            return images
        return images.astype(np.float32) * np.float32(dataset.attrs["factor"])

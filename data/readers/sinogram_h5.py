"""Read Proxflow's own HDF5 form of a tomographic measurement (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_measurement,
    measurement_modality,
    own_scan_info,
)
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.sinogram import Beam, Quantity, ScanGeometry, Sinogram
from proxflow.data.validate import check_images, check_shape
from proxflow.data.validate_angles import check_angles
from proxflow.data.validate_sinogram import (
    AXES,
    check_field_shape,
    check_real,
    check_scan_geometry,
    checked_sinogram,
)

LENGTHS = ("column_size", "row_size", "source_origin", "source_detector")
OPTIONAL = ("dark", "flat", "reference", "labels_image")


def is_sinogram_h5(file: h5py.File) -> bool:
    """Whether the open file says it is one of our CT measurements."""
    return measurement_modality(file) == "ct"


class SinogramH5Scan(Hdf5Scan):
    """One of our own CT files; items are read chunk by chunk. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        extra = {name: read_rows(path, file[name], rows) for name in OPTIONAL if name in file}
        sinogram = Sinogram(
            samples=read_rows(path, file["samples"], rows),
            quantity=self._quantity,
            geometry=self._geometry,
            labels=tuple(self.info.labels[i] for i in rows),
            image_pixel_mm=self._scalar("geometry/image_pixel"),
            source=self.info.source,
            **extra,
        )
        return checked_sinogram(path, sinogram, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        check_measurement(file, path, "ct", ("samples", "labels"))
        self._quantity: Quantity = self._choice("quantity", get_args(Quantity))
        beam: Beam = self._choice("beam", get_args(Beam))
        samples = own_dataset(file, path, "samples")
        axes = AXES[4 if beam == "cone" else 3]
        check_shape(path, "samples", samples.shape, f"({', '.join(axes)})")
        check_real(path, "samples", samples.dtype)
        self._geometry, notes = self._read_geometry(beam, dict(zip(axes, samples.shape, strict=True)))
        self._check_optional(samples.shape)
        return own_scan_info(
            file,
            path,
            samples,
            has_reference="reference" in file or "labels_image" in file,
            modality="ct",
            acquisition=self._geometry,
            quantity=self._quantity,
            has_fields="dark" in file or "flat" in file,
            notes=notes,
        )

    def _choice(self, name: str, known: Sequence[str]) -> Any:
        value = self._file.attrs.get(name)
        if not isinstance(value, str) or value not in known:
            raise ScanError(f"{self._path.name}: {name} must be one of {', '.join(known)}, got {value}")
        return value

    def _read_geometry(self, beam: Beam, sizes: dict[str, int]) -> tuple[ScanGeometry, tuple[str, ...]]:
        path = self._path
        dataset = own_dataset(self._file, path, "geometry/angles")
        values = read_all(path, dataset)
        angles, notes = check_angles(path, "geometry/angles", values, "rad", sizes)
        geometry = ScanGeometry(
            beam,
            angles,
            axis_column=self._scalar("geometry/axis_column"),
            **{f"{name}_mm": self._scalar(f"geometry/{name}") for name in LENGTHS},
        )
        return geometry, notes + check_scan_geometry(
            path, geometry, sizes["column"], {f"{name}_mm": f"geometry/{name}" for name in LENGTHS}
        )

    def _check_optional(self, shape: tuple[int, ...]) -> None:
        path, file = self._path, self._file
        for name in ("dark", "flat"):
            if name in file:
                field = own_dataset(file, path, name)
                check_real(path, name, field.dtype)
                check_field_shape(path, name, field.shape, shape)
        for name in ("reference", "labels_image"):
            if name in file:
                image = own_dataset(file, path, name)
                check_images(path, name, image.shape, shape[0])
                if name == "labels_image" and image.dtype != np.uint8:
                    raise ScanError(f"{path.name}: labels_image must be uint8, got {image.dtype}")

"""Read non-Cartesian MRI in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h5py

from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.readers.geometry_h5 import read_geometry
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_companions,
    check_measurement,
    measurement_modality,
    own_scan_info,
)
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate_radial import (
    check_radial_samples,
    check_trajectory,
    check_trajectory_shape,
    checked_radial,
)

# A matrix is bound by no grid here; this bounds the memory an image may ask for.
LARGEST_MATRIX = 16384


def is_radial_h5(file: h5py.File) -> bool:
    """Whether the open file says it is one of our non-Cartesian MRI measurements."""
    return measurement_modality(file) == "mri-radial"


class RadialH5Scan(Hdf5Scan):
    """One of our own non-Cartesian files; items are read chunk by chunk. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> RadialKSpace:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        kspace = RadialKSpace(
            samples=read_rows(path, file["kspace"], rows),
            trajectory=self._trajectory,
            geometry=self._geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=read_all(path, file["noise"]) if "noise" in file else None,
            reference=read_rows(path, file["reference"], rows) if "reference" in file else None,
            source=self.info.source,
        )
        return checked_radial(path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        required = ("kspace", "trajectory", "labels", "geometry/matrix")
        check_measurement(file, path, "mri-radial", required)
        samples = own_dataset(file, path, "kspace")
        check_radial_samples(path, "kspace", samples.shape, samples.dtype)
        largest = (LARGEST_MATRIX, LARGEST_MATRIX)
        self._geometry = read_geometry(file, path, samples.shape[0], largest)
        matrix = self._geometry.matrix
        self._geometry = replace(self._geometry, matrix=(int(matrix[0]), int(matrix[1])))
        trajectory = own_dataset(file, path, "trajectory")
        check_trajectory_shape(path, trajectory.shape, trajectory.dtype, samples.shape)
        self._trajectory = read_all(path, trajectory)
        check_trajectory(path, self._trajectory, self._geometry.matrix)
        check_companions(file, path, samples.shape)
        return own_scan_info(
            file,
            path,
            samples,
            geometry=self._geometry,
            has_noise="noise" in file,
            has_reference="reference" in file,
            modality="mri-radial",
        )

"""Read series of MRI frames in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h5py
import numpy as np

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.readers.geometry_h5 import read_geometry
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows, reading
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_measurement,
    measurement_modality,
    own_scan_info,
)
from proxflow.data.readers.radial_h5 import LARGEST_MATRIX
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import check_noise
from proxflow.data.validate_dynamic_kspace import (
    check_frame_labels,
    check_frame_mask,
    check_frame_trajectory,
    check_frame_trajectory_shape,
    check_series_maps,
    check_series_reference,
    check_series_samples,
    checked_series,
)


def is_dynamic_h5(file: h5py.File) -> bool:
    """Whether the open file says it is one of our series of MRI frames."""
    return measurement_modality(file) == "mri-dynamic"


class DynamicH5Scan(Hdf5Scan):
    """One of our own files of series; items are read one by one. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> DynamicKSpace:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        maps = None
        if "coil_maps" in file:
            maps = read_rows(path, file["coil_maps"], [0] if file["coil_maps"].shape[0] == 1 else rows)
        kspace = DynamicKSpace(
            samples=read_rows(path, file["kspace"], rows),
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            trajectory=self._trajectory,
            mask=read_all(path, file["mask"]) if "mask" in file else None,
            frame_labels=self.info.frame_labels,
            coil_maps=maps,
            noise=read_all(path, file["noise"]) if "noise" in file else None,
            reference=read_rows(path, file["reference"], rows) if "reference" in file else None,
            source=self.info.source,
        )
        return checked_series(path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        spokes = "trajectory" in file
        required = ("kspace", "labels", "geometry/matrix") if spokes else ("kspace", "labels")
        check_measurement(file, path, "mri-dynamic", required)
        samples = own_dataset(file, path, "kspace")
        check_series_samples(path, samples.shape, samples.dtype, spokes=spokes)
        plane = (LARGEST_MATRIX, LARGEST_MATRIX) if spokes else samples.shape[3:]
        geometry = read_geometry(file, path, samples.shape[0], plane)
        self._trajectory = self._read_trajectory(samples.shape, geometry.matrix) if spokes else None
        self._check_companions(samples.shape, geometry.matrix if spokes else samples.shape[3:])
        return own_scan_info(
            file,
            path,
            samples,
            geometry=replace(geometry, matrix=(int(geometry.matrix[0]), int(geometry.matrix[1]))),
            has_trajectory=spokes,
            has_mask="mask" in file,
            has_noise="noise" in file,
            has_reference="reference" in file,
            has_maps="coil_maps" in file,
            frame_labels=self._frame_labels(samples.shape[1]),
            modality="mri-dynamic",
        )

    def _read_trajectory(self, shape: Sequence[int], matrix: tuple[int, int]) -> np.ndarray:
        dataset = own_dataset(self._file, self._path, "trajectory")
        check_frame_trajectory_shape(self._path, dataset.shape, dataset.dtype, shape)
        trajectory = read_all(self._path, dataset)
        check_frame_trajectory(self._path, trajectory, matrix)
        return trajectory

    def _check_companions(self, shape: Sequence[int], image: tuple[int, int]) -> None:
        path, file = self._path, self._file
        if "mask" in file:
            mask = own_dataset(file, path, "mask")
            check_frame_mask(path, mask.shape, mask.dtype, shape, spokes="trajectory" in file)
        if "coil_maps" in file:
            maps = own_dataset(file, path, "coil_maps")
            check_series_maps(path, maps.shape, maps.dtype, shape, (image[0], image[1]))
        if "noise" in file:
            noise = own_dataset(file, path, "noise")
            check_noise(path, noise.shape, noise.dtype, shape[2])
        if "reference" in file:
            check_series_reference(path, own_dataset(file, path, "reference").shape, shape)

    def _frame_labels(self, n_frames: int) -> tuple[str, ...]:
        if "frame_labels" not in self._file:
            return ()
        with reading(self._path, "frame_labels"):
            labels = tuple(own_dataset(self._file, self._path, "frame_labels").asstr()[:])
        check_frame_labels(self._path, labels, n_frames)
        return labels

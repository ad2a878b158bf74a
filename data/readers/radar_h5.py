"""Read radar measurements in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_measurement,
    measurement_modality,
    own_scan_info,
)
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import check_complex
from proxflow.data.validate_radar import check_antennas, check_radar_samples, checked_radar

ANTENNAS = ("transmitters", "receivers", "pairs", "frequencies")


def is_radar_h5(file: h5py.File) -> bool:
    """Whether the open file says it is one of our radar measurements."""
    return measurement_modality(file) == "radar"


class RadarH5Scan(Hdf5Scan):
    """One of our own radar files; items are read chunk by chunk. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> RadarCube:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        cube = RadarCube(
            samples=read_rows(path, file["samples"], rows),
            geometry=self._geometry,
            labels=tuple(self.info.labels[i] for i in rows),
            background=read_rows(path, file["background"], rows) if "background" in file else None,
            noise=read_all(path, file["noise"]) if "noise" in file else None,
            source=self.info.source,
        )
        return checked_radar(path, cube, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        required = ("samples", "labels", *(f"acquisition/{name}" for name in ANTENNAS))
        check_measurement(file, path, "radar", required)
        self._geometry = self._antennas()
        check_antennas(path, self._geometry)
        samples = own_dataset(file, path, "samples")
        check_radar_samples(path, "samples", samples.shape, samples.dtype, self._geometry)
        if "background" in file:
            background = own_dataset(file, path, "background")
            check_radar_samples(path, "background", background.shape, background.dtype, self._geometry)
            if background.shape != samples.shape:
                raise ScanError(
                    f"{path.name}: background must have shape {samples.shape}, got {background.shape}"
                )
        if "noise" in file:
            check_complex(path, "noise", own_dataset(file, path, "noise").dtype)
        return own_scan_info(
            file,
            path,
            samples,
            has_noise="noise" in file,
            modality="radar",
            acquisition=self._geometry,
            has_fields="background" in file,
        )

    def _antennas(self) -> AntennaGeometry:
        ranges = "acquisition/reference_range"
        return AntennaGeometry(
            transmitters_m=self._numbers("acquisition/transmitters"),
            receivers_m=self._numbers("acquisition/receivers"),
            pairs=self._numbers("acquisition/pairs").astype(np.int64),
            frequencies_hz=self._numbers("acquisition/frequencies"),
            reference_range_m=self._numbers(ranges) if ranges in self._file else None,
        )

    def _numbers(self, name: str) -> NDArray[np.float64]:
        dataset = own_dataset(self._file, self._path, name)
        kinds, wanted = ("iu", "whole") if name.endswith("pairs") else ("fiu", "real")
        if dataset.dtype.kind not in kinds:
            raise ScanError(f"{self._path.name}: {name} must be {wanted} numbers, got {dataset.dtype}")
        return read_all(self._path, dataset).astype(np.float64)

"""Write a radar measurement in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.validate_radar import checked_radar
from proxflow.data.writers.dataset_h5 import write_dataset
from proxflow.data.writers.measurement_h5 import new_measurement

AXES = "item, frequency, pair"


def write_radar_h5(path: str | Path, cube: RadarCube) -> Path:
    """Write ``cube`` to ``path`` and return it; reading it back gives the same bits.

    Chunked per item and checksummed (Fletcher-32), without timestamps: equal data give equal files.
    Raises ScanError if the measurement makes no sense (not finite, all zero, antennas that do not fit);
    then nothing is written.
    """
    path = Path(path)
    checked_radar(path, cube, range(len(cube.samples)))
    with new_measurement(path, "radar", cube.labels, cube.source) as file:
        chunks = (1, *cube.samples.shape[1:])
        write_dataset(file, "samples", cube.samples, AXES, "as source", chunks=chunks, fletcher32=True)
        if cube.background is not None:
            background = cube.background
            write_dataset(file, "background", background, AXES, "as samples", chunks=chunks, fletcher32=True)
        if cube.noise is not None:
            write_dataset(file, "noise", cube.noise, "sample", "as samples")
        _write_antennas(file, cube.geometry)
    return path


def _write_antennas(file: h5py.File, geometry: AntennaGeometry) -> None:
    for name, positions in (("transmitters", geometry.transmitters_m), ("receivers", geometry.receivers_m)):
        write_dataset(file, f"acquisition/{name}", positions.astype(np.float64), "antenna, xyz", "m")
    pairs = geometry.pairs.astype(np.int64)
    write_dataset(file, "acquisition/pairs", pairs, "pair, (transmitter, receiver)", "1")
    frequencies = geometry.frequencies_hz.astype(np.float64)
    write_dataset(file, "acquisition/frequencies", frequencies, "frequency", "Hz")
    if geometry.reference_range_m is not None:
        ranges = geometry.reference_range_m.astype(np.float64)
        write_dataset(file, "acquisition/reference_range", ranges, "pair", "m")

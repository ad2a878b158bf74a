"""Antennas, frequencies and pairs of a radar array from the fields of its sidecar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry
from proxflow.data.readers.radar_sidecar import RadarFields, Value
from proxflow.data.validate_radar import check_frequencies

Getter = Callable[[str], NDArray]


def keys_of(fields: RadarFields) -> list[str]:
    """Every key the fields name but the background's."""
    values = [
        *(fields.samples, fields.frequencies_hz, fields.transmitters_m),
        *(fields.receivers_m, fields.pairs, fields.reference_range_m),
    ]
    nested = [[value] if isinstance(value, str) else value for value in values]
    return [key for keys in nested if isinstance(keys, list | tuple) for key in keys]


def antennas_of(fields: RadarFields, get: Getter) -> AntennaGeometry:
    """The geometry ``fields`` describe, ``get`` giving the file's arrays by key; raises ScanError."""
    path = fields.path
    if fields.samples is None and keys_of(fields):
        key = keys_of(fields)[0]
        raise ScanError(f"{path.name}: values must be numbers where the file is one array, got the key {key}")
    frequencies = np.atleast_1d(_numbers(path, "frequencies_hz", fields.frequencies_hz, get)).ravel()
    check_frequencies(path, frequencies)
    transmitters = _antennas(path, "transmitters_m", fields.transmitters_m, get)
    receivers = transmitters
    if fields.receivers_m is not None:
        receivers = _antennas(path, "receivers_m", fields.receivers_m, get)
    pairs = _pairs(fields, get, len(transmitters), len(receivers))
    ranges = None
    if fields.reference_range_m is not None:
        ranges = np.atleast_1d(_numbers(path, "reference_range_m", fields.reference_range_m, get)).ravel()
        ranges = np.repeat(ranges, len(pairs)) if len(ranges) == 1 else ranges
    return AntennaGeometry(transmitters, receivers, pairs, frequencies, ranges)


def _pairs(fields: RadarFields, get: Getter, n_transmitters: int, n_receivers: int) -> NDArray[np.int64]:
    path = fields.path
    if "pair" not in fields.axes:
        if fields.pairs is not None:
            raise ScanError(f"{path.name}: pairs must be absent where transmitter and receiver are axes")
        transmitter, receiver = np.divmod(np.arange(n_transmitters * n_receivers), n_receivers)
        return np.stack([transmitter, receiver], axis=1).astype(np.int64)
    if fields.pairs is None:
        if fields.receivers_m is not None:
            raise ScanError(f"{path.name}: pairs must name the transmitter and receiver of each, got none")
        return np.repeat(np.arange(n_transmitters, dtype=np.int64)[:, None], 2, axis=1)
    pairs = _numbers(path, "pairs", fields.pairs, get)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not (pairs == np.round(pairs)).all():
        raise ScanError(
            f"{path.name}: pairs must be whole numbers (pair, transmitter and receiver), "
            f"got shape {pairs.shape} {pairs.ravel()[:4].tolist()}"
        )
    return pairs.astype(np.int64) - fields.pairs_from


def _antennas(path: Path, name: str, value: Value, get: Getter) -> NDArray[np.float64]:
    """(antenna, xyz); an array (xyz, antenna) is turned where its shape leaves no doubt."""
    if isinstance(value, tuple):
        parts = [np.atleast_1d(_numbers(path, name, key, get)).ravel() for key in value]
        if len({len(part) for part in parts}) != 1:
            raise ScanError(
                f"{path.name}: {name} must have as many x, y as z, got {[len(part) for part in parts]}"
            )
        return np.stack(parts, axis=1)
    positions = np.atleast_2d(_numbers(path, name, value, get))
    if positions.ndim == 2 and positions.shape[0] == 3 and positions.shape[1] != 3:
        positions = positions.T
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ScanError(f"{path.name}: {name} must have axes (antenna, xyz), got shape {positions.shape}")
    return np.ascontiguousarray(positions)


def _numbers(path: Path, name: str, value: Value, get: Getter) -> NDArray[np.float64]:
    array = get(value) if isinstance(value, str) else np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ScanError(f"{path.name}: {name} must be real numbers, got {array.dtype}")
    return array.astype(np.float64)

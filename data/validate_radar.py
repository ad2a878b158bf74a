"""Checks that every radar reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.validate import check_complex, check_shape

AXES = "(item, frequency, pair)"
LOWEST_HZ = 1e6  # lower frequencies make no near-field image; numbers below are MHz or GHz
HIGHEST_HZ = 1e13
# Arrays imaged in their near field are smaller; larger coordinates are millimetres. Synthetic apertures
# flown past a scene are larger, but come with the range they are compensated for.
LARGEST_ARRAY_M = 20.0


def check_radar_samples(
    path: Path, name: str, shape: Sequence[int], dtype: np.dtype, geometry: AntennaGeometry
) -> None:
    """Raise ScanError unless samples are complex (item, frequency, pair) as ``geometry`` counts them."""
    if dtype.kind in "fiub":
        raise ScanError(
            f"{path.name}: {name} must be complex64 or complex128 since an image needs the phase, "
            f"got {dtype} (magnitude only?)"
        )
    check_complex(path, name, dtype)
    check_shape(path, name, shape, AXES)
    expected = (len(geometry.frequencies_hz), len(geometry.pairs))
    if tuple(shape[1:]) != expected:
        swapped = " (frequency and pair swapped?)" if tuple(shape[1:]) == expected[::-1] else ""
        raise ScanError(
            f"{path.name}: {name} must have axes {AXES} with {expected[0]} frequencies and {expected[1]} "
            f"pairs, got shape {tuple(shape)}{swapped}"
        )


def check_antennas(path: Path, geometry: AntennaGeometry) -> None:
    """Raise ScanError unless frequencies, positions and pairs are sound and in hertz and metres."""
    check_frequencies(path, geometry.frequencies_hz)
    flown = geometry.reference_range_m is not None
    _check_positions(path, "transmitter positions", geometry.transmitters_m, flown)
    _check_positions(path, "receiver positions", geometry.receivers_m, flown)
    everything = np.concatenate([geometry.transmitters_m, geometry.receivers_m])
    if len(geometry.pairs) > 1 and (everything == everything[0]).all():
        raise ScanError(f"{path.name}: antenna positions must differ, got all of them at one point")
    _check_pairs(path, geometry)
    if geometry.reference_range_m is not None:
        ranges = geometry.reference_range_m
        if ranges.shape != (len(geometry.pairs),):
            raise ScanError(
                f"{path.name}: reference ranges must have shape ({len(geometry.pairs)},), got {ranges.shape}"
            )
        if not (np.isfinite(ranges) & (ranges > 0)).all():
            bad = int(np.argmin(np.isfinite(ranges) & (ranges > 0)))
            raise ScanError(
                f"{path.name}: reference ranges must be positive, got {ranges[bad]} for pair {bad}"
            )


def check_frequencies(path: Path, frequencies: NDArray[np.floating]) -> None:
    """Raise ScanError unless ``frequencies`` (frequency,) are finite, positive, ascending and in hertz."""
    name = f"{path.name}: frequencies"
    if frequencies.ndim != 1 or len(frequencies) == 0:
        raise ScanError(f"{name} must have shape (frequency,), got {frequencies.shape}")
    if not np.isfinite(frequencies).all():
        bad = np.flatnonzero(~np.isfinite(frequencies))
        raise ScanError(f"{name} must be finite, got {frequencies[bad[0]]} at index {bad[0]}")
    low, high = float(frequencies.min()), float(frequencies.max())
    if low <= 0:
        raise ScanError(f"{name} must be positive, got {low:g}")
    if low < LOWEST_HZ or high > HIGHEST_HZ:
        unit = "GHz" if high < 1e3 else "MHz"
        hint = f", which look like {unit}" if high < LOWEST_HZ else ""
        raise ScanError(f"{name} must be in Hz, got values from {low:g} to {high:g}{hint}")
    falls = np.flatnonzero(np.diff(frequencies) <= 0)
    if len(falls):
        i = falls[0]
        raise ScanError(
            f"{name} must ascend, got {frequencies[i]:g} then {frequencies[i + 1]:g} Hz at index {i + 1}"
        )


def checked_radar(path: Path, cube: RadarCube, items: Sequence[int]) -> RadarCube:
    """``cube`` itself if sound; else ScanError naming the item, the frequency and the pair.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    check_antennas(path, cube.geometry)
    check_radar_samples(path, "samples", cube.samples.shape, cube.samples.dtype, cube.geometry)
    if len(cube.labels) != len(cube.samples):
        raise ScanError(f"{path.name}: labels must name {len(cube.samples)} items, got {len(cube.labels)}")
    _check_values(path, "samples", cube.samples, items)
    if cube.background is not None:
        if cube.background.shape != cube.samples.shape:
            raise ScanError(
                f"{path.name}: background must have the samples' shape {cube.samples.shape}, "
                f"got {cube.background.shape}"
            )
        check_complex(path, "background", cube.background.dtype)
        _check_values(path, "background", cube.background, items)
        for number, samples, background in zip(items, cube.samples, cube.background, strict=True):
            if np.array_equal(samples, background):
                raise ScanError(
                    f"{path.name}: background must differ from the samples, got the same in item {number}"
                )
    if cube.noise is not None and (cube.noise.ndim != 1 or not np.isfinite(cube.noise).all()):
        raise ScanError(f"{path.name}: noise must be finite with shape (n,), got shape {cube.noise.shape}")
    return cube


def _check_values(path: Path, name: str, samples: NDArray, items: Sequence[int]) -> None:
    for number, item in zip(items, samples, strict=True):
        bad = ~np.isfinite(item)
        if bad.any():
            frequency, pair = np.argwhere(bad)[0]
            raise ScanError(
                f"{path.name}: {name} must be finite, got {int(bad.sum())} NaN or Inf values in item "
                f"{number}, the first at frequency {frequency}, pair {pair}"
            )
        if not item.any():
            raise ScanError(f"{path.name}: {name} must hold signal, got only zeros in item {number}")
        if not item.imag.any():
            raise ScanError(
                f"{path.name}: {name} must hold phase, got only real values in item {number} "
                "(magnitude only?)"
            )


def _check_positions(path: Path, name: str, positions: NDArray[np.floating], flown: bool) -> None:
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise ScanError(f"{path.name}: {name} must have axes (antenna, xyz), got shape {positions.shape}")
    if not np.isfinite(positions).all():
        bad = int(np.argwhere(~np.isfinite(positions))[0, 0])
        raise ScanError(f"{path.name}: {name} must be finite, got {positions[bad].tolist()} at index {bad}")
    extent = float(np.ptp(positions, axis=0).max())
    if extent > LARGEST_ARRAY_M and not flown:
        raise ScanError(
            f"{path.name}: {name} must be in metres, got an array {extent:g} wide, which looks like "
            f"millimetres (arrays above {LARGEST_ARRAY_M:g} m need reference ranges)"
        )


def _check_pairs(path: Path, geometry: AntennaGeometry) -> None:
    pairs = geometry.pairs
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise ScanError(
            f"{path.name}: pairs must have axes (pair, transmitter and receiver), got shape {pairs.shape}"
        )
    kinds = (("transmitter", geometry.transmitters_m), ("receiver", geometry.receivers_m))
    for column, (kind, antennas) in enumerate(kinds):
        outside = np.flatnonzero((pairs[:, column] < 0) | (pairs[:, column] >= len(antennas)))
        if len(outside):
            raise ScanError(
                f"{path.name}: pairs must name one of {len(antennas)} {kind}s, counted from 0, got "
                f"{kind} {pairs[outside[0], column]} in pair {outside[0]}"
            )
    _, first, count = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    if (count > 1).any():
        twice = pairs[first[np.argmax(count > 1)]].tolist()
        raise ScanError(f"{path.name}: pairs must be unique, got {twice} {int(count.max())} times")

"""Checks on the angles of a tomographic scan: unit, number, order, repeats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxflow.data.errors import ScanError

AngleUnit = Literal["deg", "rad", "unstated"]
TURN = 2 * math.pi
# From so many views on, a span of exactly pi or 2 pi "degrees" is taken for radians.
MANY_VIEWS = 60


def check_angles(
    path: Path, name: str, values: ArrayLike, unit: AngleUnit, sizes: Mapping[str, int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The angles in radians, float64 (angle,), and notes on their order and repeats.

    Args:
        name: what the file calls them, for the message.
        unit: as the file states it; where unstated, degrees, unless they span half a turn or a turn in
            radians, which is then noted.
        sizes: size of each axis of the samples by name, ``angle`` among them.

    Raises ScanError if they are not finite numbers, not one per view (the message tells if the axes look
    swapped), in another unit than stated, or mostly repeated.
    """
    radians, notes = in_radians(path, name, _one_per_view(path, name, values, sizes), unit)
    return radians, notes + _order_notes(path, name, radians)


def in_radians(
    path: Path, name: str, angles: NDArray[np.float64], unit: AngleUnit
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """``angles`` (angle,) in radians, and notes on their unit; ScanError where they contradict it."""
    notes: tuple[str, ...] = ()
    looks_rad = _looks_like_radians(angles)
    if unit == "unstated":
        unit = "rad" if looks_rad else "deg"
        if looks_rad:
            notes = (f"{name} states no unit; its span of {np.ptp(angles):.5g} was taken as radians.",)
    elif unit == "deg" and looks_rad:
        raise ScanError(
            f"{path.name}: {name} must be in degrees as stated, got {len(angles)} views over a span of "
            f"{np.ptp(angles):.5g}, which looks like radians"
        )
    step = float(np.median(np.abs(np.diff(angles)))) if len(angles) > 1 else 0.0
    if unit == "rad" and np.ptp(angles) > 1.01 * TURN + step:
        raise ScanError(
            f"{path.name}: {name} must span at most one turn (6.2832) in radians, got {angles.min():g} to "
            f"{angles.max():g}, which looks like degrees"
        )
    elif unit == "deg" and len(angles) > 2 and np.ptp(angles) < TURN:
        notes += (f"Angles span only {np.ptp(angles):.4g} degrees; are they radians?",)
    return angles if unit == "rad" else np.deg2rad(angles), notes


def _one_per_view(path: Path, name: str, values: ArrayLike, sizes: Mapping[str, int]) -> NDArray[np.float64]:
    raw = np.asarray(values)
    if raw.dtype.kind not in "fiu" or raw.ndim != 1:
        raise ScanError(
            f"{path.name}: {name} must be a list of real numbers, got {raw.dtype} of shape {raw.shape}"
        )
    angles = raw.astype(np.float64)
    if len(angles) != sizes["angle"]:
        expected = f"({', '.join(sizes)}) of shape ({', '.join(map(str, sizes.values()))})"
        other = [axis for axis, size in sizes.items() if axis != "angle" and size == len(angles)]
        hint = f", the size of the {other[0]} axis: the axes look swapped" if other else ""
        raise ScanError(
            f"{path.name}: {name} must name {sizes['angle']} angles for axes {expected}, got "
            f"{len(angles)}{hint}"
        )
    bad = np.flatnonzero(~np.isfinite(angles))
    if len(bad):
        raise ScanError(
            f"{path.name}: {name} must be finite, got {len(bad)} NaN or Inf values, first at angle {bad[0]}"
        )
    return angles


def _looks_like_radians(angles: NDArray[np.float64]) -> bool:
    """Whether many views span half a turn or a turn, read as radians, to within two steps."""
    if len(angles) < MANY_VIEWS:
        return False
    span = float(np.ptp(angles))
    tolerance = max(2 * span / (len(angles) - 1), 1e-3)
    return any(abs(span - turn) < tolerance for turn in (math.pi, TURN))


def _order_notes(path: Path, name: str, radians: NDArray[np.float64]) -> tuple[str, ...]:
    if len(radians) < 2:
        return ()
    notes = []
    distinct = len(np.unique(np.round(radians, 9)))
    if distinct == 1 and len(radians) > 2:
        raise ScanError(
            f"{path.name}: {name} must differ from view to view, got one angle in {len(radians)} views"
        )
    if distinct < len(radians):
        notes.append(f"{len(radians) - distinct} of {len(radians)} views repeat an angle of another view.")
    steps = np.diff(radians)
    first, last = np.rad2deg(radians[[0, -1]])
    if (steps <= 0).all() and steps.any():
        notes.append(
            f"Angles descend from {first:.5g} to {last:.5g} degrees and are used as they are; if the scan "
            "turned the other way, the image is mirrored."
        )
    elif (steps < 0).any():
        notes.append("Angles are in no ascending order; each view is used at its own angle.")
    return tuple(notes)

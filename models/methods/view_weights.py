"""How much each measured ray counts in filtered back-projection: angular steps and redundancy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME_ANGLE_RAD = 1e-7
MISSING_ARC = 4.0  # a gap of more than this many usual gaps is an arc that was not measured
CENTRED = 1.05  # a detector reaching at most this much further on one side counts as centred
PLATEAU = 0.75  # part of the overlap of an off-centre detector where both rays of a pair count alike


class AngularSteps(NamedTuple):
    """steps: rad (angle,), in the order given, summing to the arc covered.  arc_starts: rad, the first view
    after each unmeasured arc, none where the views close the circle."""

    steps: np.ndarray
    arc_starts: np.ndarray


def angular_steps(angles_rad: np.ndarray, period: float) -> AngularSteps:
    """Half the gaps to both neighbours modulo ``period``, for views in any order.

    Views at one angle share its step. Nothing is credited for a gap above four times the usual one, the
    90th percentile: the views at an arc's ends get their inner gap.
    """
    n_ticks = round(period / SAME_ANGLE_RAD)
    ticks = np.round(np.mod(angles_rad, period) / SAME_ANGLE_RAD).astype(np.int64) % n_ticks
    unique, inverse, counts = np.unique(ticks, return_inverse=True, return_counts=True)
    angles = unique * (period / n_ticks)
    after = np.diff(np.append(angles, angles[0] + period))
    usual = np.quantile(after, 0.9, method="lower")
    missing = after > MISSING_ARC * usual
    before, missing_before = np.roll(after, 1), np.roll(missing, 1)
    outer_after = np.where(missing, np.where(missing_before, usual, before), after)
    outer_before = np.where(missing_before, np.where(missing, usual, after), before)
    steps = (outer_after + outer_before) / 2 / counts
    return AngularSteps(steps[inverse], angles[missing_before])


def parallel_weights(angles_rad: np.ndarray, columns_mm: np.ndarray) -> np.ndarray:
    """(angle, column), rad: weights of parallel rays, each measured once per half turn or more often.

    Steps are taken modulo pi, so that opposite views share. Over a full turn a detector that reaches
    further on one side of the axis is weighted column by column, see ``off_centre_weights``.
    """
    steps, arc_starts = angular_steps(angles_rad, 2 * np.pi)
    if len(arc_starts) == 0 and not _is_centred(columns_mm):
        return steps[:, None] * off_centre_weights(columns_mm)
    return np.broadcast_to(
        angular_steps(angles_rad, np.pi).steps[:, None], (len(angles_rad), len(columns_mm))
    )


def fan_weights(angles_rad: np.ndarray, fan_angles_rad: np.ndarray) -> np.ndarray:
    """(angle, column), rad: weights of rays at ``fan_angles_rad`` (column,), positive towards +u.

    A full turn: half the step, or ``off_centre_weights``. One arc of at least pi plus the fan: Parker's
    weights, spread over the whole arc. Less: the step alone, though an arc above pi holds some rays twice.
    """
    steps, arc_starts = angular_steps(angles_rad, 2 * np.pi)
    if len(arc_starts) == 0:
        centred = _is_centred(fan_angles_rad)
        return steps[:, None] * (
            np.full_like(fan_angles_rad, 0.5) if centred else off_centre_weights(fan_angles_rad)
        )
    covered, fan = float(steps.sum()), 2 * float(np.abs(fan_angles_rad).max())
    if len(arc_starts) > 1 or covered < np.pi + fan - steps.max():
        return np.broadcast_to(steps[:, None], (len(angles_rad), len(fan_angles_rad)))
    turned = np.mod(angles_rad - arc_starts[0] + SAME_ANGLE_RAD, 2 * np.pi)
    first_step = steps[np.argmin(turned)]
    parker = parker_weights(turned + first_step / 2, fan_angles_rad, max(covered, np.pi + fan))
    return steps[:, None] * parker


def parker_weights(turned_rad: np.ndarray, fan_angles_rad: np.ndarray, arc_rad: float) -> np.ndarray:
    """(angle, column): weights that sum to one over the two views of each ray in a short scan.

    With D = (arc - pi) / 2 the views run counter-clockwise from 0 to pi + 2 D, and the ray g of view b is
    met again as the ray -g of view b + pi - 2 g:

        sin^2(pi/4 b / (D + g))               for b < 2 (D + g)
        sin^2(pi/4 (pi + 2 D - b) / (D - g))  for b > pi + 2 g
        1                                     between

    Args:
        turned_rad: b (angle,), counter-clockwise from the start of the arc.
        arc_rad: at least pi plus the fan's full angle.
    Source: Parker, Med. Phys. 9:254 (1982), with g of the other sign; wider arcs: Silver, Med. Phys.
    27:773 (2000).
    """
    half = (arc_rad - np.pi) / 2
    turned, gamma = turned_rad[:, None], fan_angles_rad[None]
    rising = np.clip(turned / np.maximum(2 * (half + gamma), 1e-12), 0, 1)
    falling = np.clip((arc_rad - turned) / np.maximum(2 * (half - gamma), 1e-12), 0, 1)
    return np.sin(np.pi / 2 * rising) ** 2 * np.sin(np.pi / 2 * falling) ** 2


def off_centre_weights(columns: np.ndarray) -> np.ndarray:
    """(column,): w(u) + w(-u) = 1 where a full turn measures a ray twice, w = 1 where it does so once.

    ``columns``: u in mm or the fan angle. The weight falls smoothly to 0 at the end of the shorter side,
    where the truncated views would otherwise show an edge to the ramp filter.
    Raises ValueError if the detector lies on one side of the axis of rotation alone.
    Source: the idea of Wang, Med. Phys. 29:1634 (2002); ours keeps 1/2 on the inner part, for less noise.
    """
    overlap = min(-columns.min(), columns.max())
    if not overlap > 0:
        raise ValueError(
            "the detector must cover the projected axis of rotation, "
            f"got columns from {columns.min():g} to {columns.max():g}"
        )
    ramp = np.clip((np.abs(columns) / overlap - PLATEAU) / (1 - PLATEAU), 0, 1)
    towards_long_side = np.sign(columns) * np.sign(columns.max() + columns.min())
    return 0.5 + 0.5 * towards_long_side * np.sin(np.pi / 2 * ramp) ** 2


def short_side_padding(columns: np.ndarray) -> tuple[int, int]:
    """Columns of zeros to add before and after an off-centre detector so that it reaches alike both ways.

    A filtered view does not end where the data do: pixels beyond the short side need its tail.
    ``columns``: u in mm or the fan angle, evenly spaced in mm or nearly so.
    """
    if _is_centred(columns) or len(columns) < 2:
        return 0, 0
    missing = int(np.ceil(abs(columns[0] + columns[-1]) / np.diff(columns).min()))
    return (missing, 0) if columns[0] + columns[-1] > 0 else (0, missing)


def _is_centred(columns: np.ndarray) -> bool:
    sides = sorted((-columns.min(), columns.max()))
    return bool(sides[1] <= CENTRED * sides[0])

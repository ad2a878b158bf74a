"""From detector counts to transmission to attenuation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Transmission(NamedTuple):
    """Transmission and how many detector pixels had to be filled in."""

    samples: NDArray[np.floating]  # (*item, angle, column), about 0 to 1
    n_dead: int  # pixels of the detector, counted over all rows


class MinusLog(NamedTuple):
    """Attenuation and how many samples were too dark to have one."""

    attenuation: NDArray[np.floating]  # (*item, angle, column), line integrals without unit
    n_clipped: int


def transmission(counts: NDArray, dark: NDArray | None, flat: NDArray) -> Transmission:
    """T = (I - mean D) / (mean F - mean D), pixel by pixel; dead pixels from their neighbours.

    A pixel is dead where mean F <= mean D, or the ratio is not finite: it is interpolated linearly along
    the columns of its own view (the nearest live one at the ends).

    Args:
        counts: real (*item, angle, column).
        dark: real (*item, n, column), frames without beam; None for a detector without offset.
        flat: real (*item, n, column), frames without object.

    float32, float64 if the counts are. Raises ValueError where shapes disagree or no pixel of a row lives.
    """
    dtype = np.float64 if counts.dtype == np.float64 else np.float32
    for name, frames in (("dark", dark), ("flat", flat)):
        wanted = (*counts.shape[:-2], counts.shape[-1])
        if frames is not None and (
            frames.ndim != counts.ndim or (*frames.shape[:-2], frames.shape[-1]) != wanted
        ):
            raise ValueError(
                f"{name} must have the items and columns of counts {counts.shape}, got {frames.shape}"
            )
    offset = 0.0 if dark is None else dark.mean(axis=-2, keepdims=True, dtype=np.float64)
    beam = flat.mean(axis=-2, keepdims=True, dtype=np.float64) - offset
    alive = np.isfinite(beam) & (beam > 0)
    if not alive.any(axis=-1).all():
        raise ValueError(
            "flat must be brighter than dark somewhere in every detector row, got a row of dead pixels"
        )
    gain = np.divide(1.0, beam, out=np.zeros_like(beam), where=alive)
    result = ((counts - offset) * gain).astype(dtype)
    n_dead = int((~alive).sum())
    if n_dead:
        _fill(result, alive[..., 0, :])
    return Transmission(result, n_dead)


def minus_log(samples: NDArray[np.floating], *, smallest: float = 1e-4) -> MinusLog:
    """p = -log max(T, smallest) of transmissions T, and how many samples lay below ``smallest``.

    ``smallest`` stands for what a detector can still tell from darkness: a lower one would let a single
    photon too few make a streak of -log 0. Raises ValueError unless 0 < smallest < 1.
    """
    if not 0 < smallest < 1:
        raise ValueError(f"smallest must be between 0 and 1, got {smallest}")
    clipped = ~(samples >= smallest)
    floor = samples.dtype.type(smallest)
    return MinusLog(-np.log(np.where(clipped, floor, samples)), int(clipped.sum()))


def _fill(samples: NDArray[np.floating], alive: NDArray[np.bool_]) -> None:
    """Interpolate dead columns in place: samples (*item, angle, column), alive (*item, column)."""
    for item in np.ndindex(alive.shape[:-1]):
        live, dead = np.flatnonzero(alive[item]), np.flatnonzero(~alive[item])
        if len(dead) == 0:
            continue
        place = np.interp(dead, live, np.arange(len(live)))
        below = np.minimum(place.astype(np.intp), max(len(live) - 2, 0))
        above = np.minimum(below + 1, len(live) - 1)
        share = (place - below).astype(samples.dtype)
        views = samples[item]
        views[:, dead] = (1 - share) * views[:, live[below]] + share * views[:, live[above]]

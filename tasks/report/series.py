"""What a report shows of an image that changes in time, beyond its single frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

FILM_FRAMES = 8  # on the film strip
FILM_PIXELS = 1_000_000  # of all strips together: about 1 MB of HTML
MOVING_FRAMES = 64  # of the animation
PROFILE_PIXELS = 256  # along a side of a profile over time; a longer one is thinned


class Moving(NamedTuple):
    """One series of real images as it is shown: values, or magnitudes of complex ones.

    film: (k, y, x), the frames of the strip.  moving: (n, y, x), those of the animation.
    row: (frame, x) and column: (frame, y), one line of pixels through every frame.
    All may be thinned, in time and in space.
    """

    film: np.ndarray
    moving: np.ndarray
    row: np.ndarray
    column: np.ndarray


@dataclass(frozen=True)
class Series:
    """One item of a run whose planes are frames in time. Raises ValueError where parts do not fit.

    item: which one.  n_frames: T, of every item of the run.  film, moving: which frames ``Moving.film`` and
    ``Moving.moving`` hold, from 0.  row, column: where the profiles are cut, ``cut_by`` says by what.
    reference, methods: what is shown, the latter in the order of the run's methods.
    """

    item: int
    n_frames: int
    film: tuple[int, ...]
    moving: tuple[int, ...]
    row: int
    column: int
    cut_by: str
    reference: Moving | None
    methods: tuple[Moving, ...]

    def __post_init__(self) -> None:
        if not self.methods:
            raise ValueError("methods must hold at least one series, got none")
        shapes = [part.shape for part in self.methods[0]]
        for shown in self.all:
            if [part.shape for part in shown] != shapes:
                raise ValueError(f"every series must have shapes {shapes}, got {[p.shape for p in shown]}")
            if any(np.iscomplexobj(part) for part in shown):
                raise ValueError("a series must be shown by real values, got complex ones")
        counts, given = (shapes[0][0], shapes[1][0]), (len(self.film), len(self.moving))
        if counts != given:
            raise ValueError(f"film and moving must number {counts}, got {given}")
        frames = (*self.film, *self.moving)
        if not all(0 <= frame < self.n_frames for frame in frames):
            raise ValueError(f"frames must be of the {self.n_frames} of the series, got {frames}")

    @property
    def all(self) -> tuple[Moving, ...]:
        """The reference, if there is one, and every method."""
        return self.methods if self.reference is None else (self.reference, *self.methods)


def spread(n_frames: int, count: int) -> tuple[int, ...]:
    """At most ``count`` frames of 0 .. n_frames - 1, evenly spread, both ends included."""
    chosen = np.linspace(0, n_frames - 1, min(n_frames, count)).round().astype(int)
    return tuple(chosen.tolist())


def box_mean(frame: np.ndarray, side: int) -> np.ndarray:
    """``frame`` (y, x) with neither side above ``side``: means over squares of whole pixels, edges cut."""
    step = -(-max(frame.shape) // side)
    if step == 1:
        return frame
    ny, nx = (max(1, n // step) for n in frame.shape)
    blocks = frame[: ny * step, : nx * step]
    blocks = blocks.reshape(ny, blocks.shape[0] // ny, nx, blocks.shape[1] // nx)
    return np.asarray(blocks.mean(axis=(1, 3)))

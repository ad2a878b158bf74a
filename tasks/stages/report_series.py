"""A series of images as its report shows it, read from the artefacts frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from proxflow.data.writers.image_h5 import ImageRows
from proxflow.tasks.report.animation import tile_side
from proxflow.tasks.report.series import (
    FILM_FRAMES,
    FILM_PIXELS,
    MOVING_FRAMES,
    PROFILE_PIXELS,
    Moving,
    Series,
    box_mean,
    spread,
)


def series_of(images: Mapping[str, ImageRows], reference: ImageRows | None, n_frames: int) -> Series:
    """The first item of ``images`` (method to (item * frame, y, x)), with its reference if there is one.

    Profiles are cut through the row and the column whose pixels vary most over time, of those through the
    middle half of the object, in the reference, or in the first method's image where there is none.
    """
    everything = [*images.values(), *([reference] if reference is not None else [])]
    magnitudes = any(image.dtype.kind == "c" for image in everything)
    base, name = (next(iter(images.values())), f"the image of {next(iter(images))}")
    if reference is not None:
        base, name = reference, "the reference"
    row, column = _most_varying(base, n_frames, magnitudes=magnitudes)
    film, moving = spread(n_frames, FILM_FRAMES), spread(n_frames, MOVING_FRAMES)
    n_strips = 2 * len(images) + 1 if reference is not None else len(images)
    side = max(32, int((FILM_PIXELS / (n_strips * len(film))) ** 0.5))
    tile = tile_side(len(everything))

    def shown(image: ImageRows) -> Moving:
        parts: tuple[list[np.ndarray], ...] = ([], [], [], [])
        for frame in range(n_frames):
            pixels = _values(image[frame], magnitudes=magnitudes)
            if frame in film:
                parts[0].append(box_mean(pixels, side))
            if frame in moving:
                parts[1].append(box_mean(pixels, tile))
            parts[2].append(pixels[row])
            parts[3].append(pixels[:, column])
        return Moving(np.stack(parts[0]), np.stack(parts[1]), *(_thinned(np.stack(p)) for p in parts[2:]))

    return Series(
        item=0,
        n_frames=n_frames,
        film=film,
        moving=moving,
        row=row,
        column=column,
        cut_by=name,
        reference=None if reference is None else shown(reference),
        methods=tuple(shown(image) for image in images.values()),
    )


def _values(frame: np.ndarray, *, magnitudes: bool) -> np.ndarray:
    return np.asarray((np.abs(frame) if magnitudes else frame).astype(np.float32))


def _most_varying(image: ImageRows, n_frames: int, *, magnitudes: bool) -> tuple[int, int]:
    """The row and the column with the largest standard deviation over time, summed along them; of those
    through the middle of the object, as its rim may be bright or move without anything to see."""
    mean = np.zeros(image.shape[1:])
    square = np.zeros(image.shape[1:])  # of the deviations from the mean so far (Welford)
    for frame in range(n_frames):
        values = _values(image[frame], magnitudes=magnitudes).astype(np.float64)
        step = values - mean
        mean += step / (frame + 1)
        square += step * (values - mean)
    deviation, size = np.sqrt(square), np.abs(mean)
    row, column = (
        int(np.where(_middle(size.sum(axis=axis)), deviation.sum(axis=axis), -1).argmax()) for axis in (1, 0)
    )
    return row, column


def _middle(sums: np.ndarray) -> np.ndarray:
    """bool, True where a quarter of ``sums`` lies before and a quarter after; everywhere if all are 0."""
    reached = np.cumsum(sums)
    inside = (reached >= reached[-1] / 4) & (reached - sums <= 3 * reached[-1] / 4)
    return np.asarray(inside)


def _thinned(lines: np.ndarray) -> np.ndarray:
    """At most 256 evenly spread rows and columns."""
    return lines[np.ix_(*(spread(count, PROFILE_PIXELS) for count in lines.shape))]

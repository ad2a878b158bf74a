"""A picture brought to a square of J x J pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates


def resampled(
    image: NDArray[np.floating],
    pixel_mm: tuple[float, float],
    size: int,
    field_mm: float,
    centre: tuple[float, float],
) -> NDArray[np.float64]:
    """The square of ``field_mm`` around ``centre`` (row, column) of ``image``, as size x size pixels.

    A Gaussian of (f - 1)/2 pixels before a reduction by f, then linear interpolation, as scikit-image's
    ``resize``; 0 outside the image. The middle of the result, (size - 1)/2, shows ``centre``.
    """
    steps = [field_mm / size / pixel for pixel in pixel_mm]  # pixels of the image to one of the result
    smooth = gaussian_filter(image.astype(np.float64), [max(0.0, (step - 1) / 2) for step in steps])
    offsets = np.arange(size) - (size - 1) / 2
    rows, columns = (c + step * offsets for c, step in zip(centre, steps, strict=True))
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.asarray(map_coordinates(smooth, np.stack(grid), order=1, mode="constant"), dtype=np.float64)


def whole_field(
    image: NDArray[np.floating], pixel_mm: tuple[float, float], size: int
) -> tuple[NDArray[np.float64], float]:
    """The smallest square that holds all of ``image``, as size x size pixels, and the size of these in mm."""
    field_mm = max(n * pixel for n, pixel in zip(image.shape, pixel_mm, strict=True))
    middle = ((image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2)
    return resampled(image, pixel_mm, size, field_mm, middle), field_mm / size

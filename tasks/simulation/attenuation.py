"""A slice of CT as the object of a simulated scan: attenuation, placed in the field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, binary_opening, label

from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.resampling import resampled

WATER_PER_MM = 0.02  # attenuation of water at about 60 keV
BODY_PER_MM = 0.01  # -500 HU: between lung and soft tissue
OPENING = 2  # iterations: cuts off the table where the body lies on it
SPARE_PX = 2.0


def attenuation_of_hu(hu: NDArray[np.floating]) -> NDArray[np.float64]:
    """0.02/mm (1 + HU / 1000), not below 0: water at 0 HU, air at -1000 HU."""
    return np.maximum(WATER_PER_MM * (1 + hu / 1000), 0.0)


def body_alone(attenuation: NDArray[np.floating]) -> NDArray[np.bool_]:
    """The largest connected piece above -500 HU with what it encloses (lungs), without table and clothes.

    Raises RequestError if there is none.
    """
    opened = binary_opening(attenuation > BODY_PER_MM, iterations=OPENING)
    pieces, n_pieces = label(opened)
    if not n_pieces:
        raise RequestError(
            f"the image must show a body above {BODY_PER_MM}/mm, got at most {attenuation.max():.3g}/mm"
        )
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.asarray(binary_fill_holes(pieces == largest))


def body_in_field(
    attenuation: NDArray[np.floating], pixel_mm: tuple[float, float], size: int, room_px: float
) -> tuple[NDArray[np.float64], float]:
    """The body alone as size x size pixels, in the middle, and the size of these pixels in mm.

    The field is so large that the body lies in the circle of the pixels' width with ``room_px`` (and two)
    pixels of the result around it, for it to move in. What is not body is 0.

    Raises RequestError where there is no body or no such field.
    """
    body = body_alone(attenuation)
    rows, columns = (axis * pixel for axis, pixel in zip(np.nonzero(body), pixel_mm, strict=True))
    middle = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
    radius = float(np.hypot(rows - middle[0], columns - middle[1]).max())
    reach = size / 2 - SPARE_PX - room_px
    if reach < size / 8:
        raise RequestError(
            f"--size must leave room for a body that moves by {room_px:g} pixels, got {size} pixels"
        )
    out_mm = radius / reach
    centre = middle[0] / pixel_mm[0], middle[1] / pixel_mm[1]
    return resampled(np.where(body, attenuation, 0.0), pixel_mm, size, out_mm * size, centre), out_mm

"""What of two images is compared: values of real ones, magnitudes of complex ones."""

from __future__ import annotations

import numpy as np


def compared(*images: np.ndarray) -> tuple[np.ndarray, ...]:
    """The images in float64: their values where all are real, else their magnitudes.

    An attenuation below 0 is an error of its own, which a magnitude would hide.
    """
    if are_values(*images):
        return tuple(image.astype(np.float64) for image in images)
    return tuple(np.abs(image).astype(np.float64) for image in images)


def are_values(*images: np.ndarray) -> bool:
    """Whether ``compared`` gives values."""
    return not any(np.iscomplexobj(image) for image in images)

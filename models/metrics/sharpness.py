"""A reference-free measure of sharpness."""

from __future__ import annotations

import numpy as np

from proxflow.models.metrics.compared import compared
from proxflow.models.metrics.nmse import energy_ratio
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.value import Score


def gradient_energy(image: np.ndarray, *, region: np.ndarray | None = None) -> Score:
    """sum(G_y^2 + G_x^2) / sum(|x|^2) over the region, G the Sobel derivative of |x| per pixel; x if real.

    Tenengrad made independent of the image's scale. Noise and aliasing raise it as edges do, so
    compare it only between images of like noise. image: (item, y, x), any unit.
    Source: Tenenbaum (1970); Krotkov, Int. J. Comput. Vis. 1:223 (1988).
    """
    from scipy.ndimage import sobel  # a quarter of a second to import

    (x,) = compared(image)
    pixels = broadcast_region(region, x.shape)
    # Sobel's weights answer 8 to a slope of one per pixel.
    gradient = np.stack([np.hypot(sobel(item, axis=0), sobel(item, axis=1)) / 8 for item in x])
    return energy_ratio(gradient, x, pixels)

"""Ring artefacts: columns of the detector whose response drifts draw stripes in the sinogram."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def reduce_rings(
    sinogram: NDArray[np.floating],
    window: int = 21,
    *,
    method: Literal["sorting", "all"] = "sorting",
    large_window: int = 51,
    snr: float = 3.0,
) -> NDArray[np.floating]:
    """The sinogram with stripes along the angles reduced by Vo's methods (algotom).

    * ``sorting``: each column is sorted by value, the sorted columns are smoothed across by a median of
      ``window`` columns, and put back in order. Small and medium stripes; the least harm elsewhere.
    * ``all``: dead and fluctuating stripes interpolated, then large ones (``large_window``, detected at
      ``snr``), then ``sorting``. For strong artefacts; it changes the values more.

    sinogram: attenuation, real (*item, angle, column); computed in float32 by algotom, returned in the dtype
    given. Both blur structures whose sinogram is itself a stripe, those near the axis of rotation.

    Raises ValueError for windows below 3 columns or wider than the detector, an snr of at most 1, or by
    ``all`` on data without any noise, whose stripes it cannot tell.
    Source: Vo, Atwood & Drakopoulos, Opt. Express 26:28396 (2018), algorithms 3, and 6, 5, 3.
    """
    from algotom.prep.removal import remove_all_stripe, remove_stripe_based_sorting

    widest = max(window, large_window) if method == "all" else window
    if min(window, large_window) < 3 or widest > sinogram.shape[-1]:
        raise ValueError(
            f"window and large_window must be 3 to {sinogram.shape[-1]} columns, got {window} and "
            f"{large_window}"
        )
    if snr <= 1:
        raise ValueError(f"snr must be above 1, got {snr}")
    result = np.empty_like(sinogram)
    for item in np.ndindex(sinogram.shape[:-2]):
        one = np.ascontiguousarray(sinogram[item], dtype=np.float32)
        if method == "all":
            result[item] = remove_all_stripe(one, snr, large_window, window)
        else:
            result[item] = remove_stripe_based_sorting(one, window)
    return result

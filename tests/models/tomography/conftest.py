"""Sinograms with known rotation axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

# (x, y, radius, value) of discs, in columns.
DISCS = ((5.0, -9.0, 24.0, 0.02), (12.0, 7.0, 6.0, 0.03), (-9.0, 3.0, 3.5, -0.015), (2.0, -20.0, 4.0, 0.04))


@pytest.fixture(scope="session")
def discs() -> Callable[..., NDArray[np.float64]]:
    """Line integrals of discs by their closed form 2 sqrt(r^2 - s^2), parallel or fan."""

    def project(
        angles_rad: NDArray[np.float64],
        n_columns: int,
        axis: float,
        *,
        distances: tuple[float, float] | None = None,
        curved: bool = False,
    ) -> NDArray[np.float64]:
        sinogram = np.zeros((len(angles_rad), n_columns))
        for sub in (-0.375, -0.125, 0.125, 0.375):  # a column sees the mean over its width
            u = (np.arange(n_columns) + sub - axis)[None, :]
            t = np.asarray(angles_rad)[:, None]
            if distances is None:
                turned, offset = t, u
            else:
                origin, detector = distances
                fan = u / detector if curved else np.arctan(u / detector)
                turned, offset = t - fan, origin * np.sin(fan)
            for x, y, radius, value in DISCS:
                s = offset - (x * np.cos(turned) + y * np.sin(turned))
                sinogram += 0.25 * value * 2 * np.sqrt(np.clip(radius**2 - s**2, 0, None))
        return sinogram

    return project

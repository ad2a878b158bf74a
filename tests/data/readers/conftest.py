"""A small tomographic scan: two discs seen by parallel rays, as counts with dark and flat fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from proxflow.data.errors import ScanError


@pytest.fixture
def ct() -> SimpleNamespace:
    """Samples (angle, row, column) of 12 views, 3 rows, 40 columns; never two axes of one size."""
    random = np.random.default_rng(7)
    angles_deg = np.arange(12) * 15.0
    columns = np.arange(40) - 19.5
    views = []
    for angle in np.deg2rad(angles_deg):
        rows = []
        for row in range(3):
            path = np.zeros(40)
            for x, y, radius in ((4.0, 2.0, 6.0 + row), (-6.0, -3.0, 4.0)):
                s = columns - (x * np.cos(angle) + y * np.sin(angle))
                path += 2 * np.sqrt(np.clip(radius**2 - s**2, 0, None))
            rows.append(0.05 * path)
        views.append(rows)
    attenuation = np.array(views)
    dark = random.integers(90, 110, (4, 3, 40)).astype(np.uint16)
    flat = random.integers(9000, 11000, (5, 3, 40)).astype(np.uint16)
    counts = (100 + 9900 * np.exp(-attenuation)).astype(np.uint16)
    return SimpleNamespace(
        angles_deg=angles_deg, attenuation=attenuation.astype(np.float32), counts=counts, dark=dark, flat=flat
    )


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a reader refuses a file, on opening or reading it, in one sentence that names the file."""

    def check(reader: Any, path: Path, sentence: str) -> None:
        with pytest.raises(ScanError, match=sentence) as caught, reader(path) as scan:
            scan.read()
        assert "\n" not in str(caught.value)

    return check

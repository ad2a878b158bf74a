"""A fixture that writes echoes of a point, and the sidecar of a small array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.writers.radar_h5 import write_radar_h5

POINT = np.array([0.02, -0.03, 0.25])  # m
SPEED = 299_792_458.0
FOUR_ANTENNAS = """modality: radar
axes: [frequency, pair]
transmitters_m: [[0.07, 0, 0], [0, 0.07, 0], [-0.07, 0, 0], [0, -0.07, 0]]
pairs_from: 0
pairs: [[0, 1], [1, 2], [2, 3], [3, 0]]
frequencies_hz: [2.0e+9, 3.0e+9, 4.0e+9]
"""


@pytest.fixture
def radar_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write the echo of a point seen by antennas: plane-z, plane-x, thick, ring or flown."""

    def make(
        array: str = "plane-z", *, background: bool = False, frequencies: int = 12, items: int = 1
    ) -> Path:
        places, pairs = _antennas(array)
        hertz = np.linspace(2e9, 6e9, frequencies) if array != "flown" else np.linspace(9e9, 9.2e9, 24)
        centre = np.array([2.0, -1.5, 0.0]) if array == "flown" else POINT
        ranges = np.linalg.norm(places, axis=1)[pairs[:, 0]] if array == "flown" else None
        away = np.linalg.norm(places - centre, axis=1)
        path = away[pairs[:, 0]] + away[pairs[:, 1]] - (0 if ranges is None else 2 * ranges)
        echo = np.exp(-2j * np.pi * hertz[:, None] * path / SPEED)
        leak = np.full_like(echo, 0.5 + 0.2j)
        samples = np.repeat((echo + leak if background else echo)[None], items, axis=0)
        labels = tuple(f"scene {item}" for item in range(items))
        cube = RadarCube(
            samples.astype(np.complex64),
            AntennaGeometry(places, places, pairs, hertz, ranges),
            labels,
            background=np.repeat(leak[None], items, axis=0).astype(np.complex64) if background else None,
        )
        return write_radar_h5(tmp_path / "scan.h5", cube)

    return make


def _antennas(array: str) -> tuple[np.ndarray, np.ndarray]:
    """Places (antenna, 3) in metres and pairs."""
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-0.1, 0.1, 4)]), -1).reshape(-1, 2)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], -1)
    zeros = np.zeros(16)
    if array == "flown":
        arc = np.deg2rad(np.linspace(-1, 1, 16))
        places = np.stack([7000 * np.cos(arc), 7000 * np.sin(arc), zeros + 7000], -1)
        return places, np.repeat(np.arange(16)[:, None], 2, axis=1)
    places = {
        "plane-z": np.column_stack([grid, zeros]),
        "plane-x": np.column_stack([zeros, grid]),
        "thick": np.column_stack([grid, np.tile([0.0, 0.05], 8)]),
        "ring": np.column_stack([0.3 * circle, zeros + POINT[2]]),
    }[array]
    return places, np.array([(t, r) for t in range(16) for r in range(16) if t < r])

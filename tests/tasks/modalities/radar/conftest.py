"""A point target between two arms of antennas, by its closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.writers.radar_h5 import write_radar_h5

SPEED_OF_LIGHT = 299_792_458.0
TARGET_M = np.array([0.02, -0.03, 0.30])  # x, y, z: a voxel's centre of the image below
IMAGE = {"matrix": [5, 7, 9], "voxel_mm": 10, "centre_mm": [300, 0, 0]}
N_FREQUENCIES = 12
PAIRS = np.array([(t, r) for t in range(5) for r in range(4) if (t + r) % 5])  # 16 of 20


def antennas() -> AntennaGeometry:
    arm = np.linspace(-0.2, 0.2, 5)
    transmitters = np.stack([arm, 0 * arm + 0.15, 0 * arm], -1)
    receivers = np.stack([0 * arm[:4] - 0.1, arm[:4], 0.01 * arm[:4]], -1)
    return AntennaGeometry(transmitters, receivers, PAIRS, np.linspace(2e9, 6e9, N_FREQUENCIES))


def echo(
    geometry: AntennaGeometry,
    permittivity: float = 1.0,
    amplitude: str = "spreading",
    target_m: np.ndarray = TARGET_M,
) -> np.ndarray:
    """(frequency, pair): exp(-jk (d_T + d_R)) / (4 pi d_T d_R) of a unit target, or without the loss."""
    to_t = np.linalg.norm(geometry.transmitters_m - target_m, axis=1)[geometry.pairs[:, 0]]
    to_r = np.linalg.norm(geometry.receivers_m - target_m, axis=1)[geometry.pairs[:, 1]]
    k = 2 * np.pi * geometry.frequencies_hz * np.sqrt(permittivity) / SPEED_OF_LIGHT
    loss = 1 / (4 * np.pi * to_t * to_r) if amplitude == "spreading" else 1.0
    return loss * np.exp(-1j * k[:, None] * (to_t + to_r))


@pytest.fixture
def echo_of() -> Callable[..., np.ndarray]:
    """``echo_of(**changes)``: the echo of a unit target as the antennas below see it."""
    return lambda **changes: echo(antennas(), **changes)


@pytest.fixture
def target() -> np.ndarray:
    """The unit target as an image (z, y, x)."""
    x = np.zeros((5, 7, 9), complex)
    x[2, 3 - 3, 4 + 2] = 1  # y and x count upwards in metres
    return x


@pytest.fixture
def write_radar(tmp_path: Path) -> Callable[..., Path]:
    """``write_radar(**changes)``: two scenes, the second half the first, with a background."""

    def write(**changes: Any) -> Path:
        medium = {name: changes.pop(name) for name in ("permittivity", "amplitude") if name in changes}
        one = echo(antennas(), **medium)
        background = np.random.default_rng(0).standard_normal((2, *one.shape)) * (1 + 2j)
        samples = np.stack([one, 0.5 * one])
        labels = ("one", "half")
        scan = RadarCube(samples.astype(np.complex64), antennas(), labels, background.astype(np.complex64))
        return write_radar_h5(tmp_path / "radar.h5", replace(scan, **changes))

    return write

"""A radial scan by an explicit Fourier sum over an object with known coil maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from proxflow.data.kspace import Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.writers.radial_h5 import write_radial_h5

SHAPE = (36, 30)  # never square: swapped axes must show
N_COILS, N_SPOKES, N_READOUT = 4, 40, 61
MIXING = np.array([[2, 0, 0, 0], [0.5, 1, 0, 0], [0.2j, 0.3, 0.5, 0], [0, 0.1, 0, 1.5]], np.complex64)


class Phantom(NamedTuple):
    """image complex (y, x), coil_maps complex (coil, y, x) with sum |S|^2 = 1 everywhere."""

    image: np.ndarray
    coil_maps: np.ndarray


def centred(n: int) -> np.ndarray:
    return np.arange(n) - n // 2


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    y, x = centred(SHAPE[0])[:, None] / SHAPE[0], centred(SHAPE[1]) / SHAPE[1]
    edge = 1 / (1 + np.exp(80 * (np.hypot((y - 0.04) / 0.85, x) - 0.36)))
    image = edge * (1 + 0.5 * np.exp(-((y + 0.1) ** 2 + (x - 0.1) ** 2) / 0.004)) * np.exp(1j * (x + 2 * y))
    angles = 2 * np.pi * np.arange(N_COILS)[:, None, None] / N_COILS
    distance = (y - 0.5 * np.sin(angles)) ** 2 + (x - 0.5 * np.cos(angles)) ** 2
    maps = np.exp(-distance / 0.5 + 1j * (angles + y * np.cos(angles)))
    return Phantom(image, maps / np.sqrt((np.abs(maps) ** 2).sum(0)))


@pytest.fixture(scope="session")
def trajectory() -> np.ndarray:
    """(spoke, readout, (ky, kx)): golden angles, steps of half a cycle per field of view."""
    angle = np.arange(N_SPOKES)[:, None] * np.deg2rad(111.246117975)
    radius = (np.arange(N_READOUT) - N_READOUT // 2) / 2
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], -1).astype(np.float32)


@pytest.fixture(scope="session")
def samples(phantom: Phantom, trajectory: np.ndarray) -> np.ndarray:
    """(coil, spoke, readout): the orthonormal Fourier transform of S x at each place, summed term by term."""
    rows, columns = centred(SHAPE[0]) / SHAPE[0], centred(SHAPE[1]) / SHAPE[1]
    ky, kx = trajectory.reshape(-1, 2).astype(np.float64).T
    along_y, along_x = np.exp(-2j * np.pi * np.outer(ky, rows)), np.exp(-2j * np.pi * np.outer(kx, columns))
    seen = phantom.coil_maps * phantom.image
    values = np.einsum("sy,cyx,sx->cs", along_y, seen, along_x, optimize=True) / np.sqrt(np.prod(SHAPE))
    return values.reshape(N_COILS, N_SPOKES, N_READOUT)


@pytest.fixture
def write_radial(tmp_path: Path, samples: np.ndarray, trajectory: np.ndarray) -> Callable[..., Path]:
    """``write_radial(noise=True, **changes)``: two items, the second twice the first."""

    def write(*, noise: bool = False, **changes: Any) -> Path:
        rng = np.random.default_rng(5)
        white = (
            rng.standard_normal((N_COILS, 20_000)) + 1j * rng.standard_normal((N_COILS, 20_000))
        ) / 2**0.5
        scan = RadialKSpace(
            np.stack([samples, 2 * samples]).astype(np.complex64),
            trajectory,
            Geometry(matrix=SHAPE, field_of_view_mm=(5.0, 360.0, 300.0), slices=(0, 1)),
            ("slice 0", "slice 1"),
            noise=(MIXING @ white).astype(np.complex64) if noise else None,
        )
        return write_radial_h5(tmp_path / "radial.h5", replace(scan, **changes))

    return write


@pytest.fixture
def maps_file(tmp_path: Path, phantom: Phantom) -> Path:
    np.save(tmp_path / "maps.npy", phantom.coil_maps.astype(np.complex64))
    return tmp_path / "maps.npy"

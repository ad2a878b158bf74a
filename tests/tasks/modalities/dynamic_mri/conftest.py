"""A changing object by an explicit Fourier sum, on a grid and along spokes, with known coil maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.kspace import Geometry
from proxflow.data.writers.dynamic_kspace_h5 import write_dynamic_kspace_h5

SHAPE = (32, 26)  # never square: swapped axes must show
N_FRAMES, N_COILS, N_SPOKES, N_READOUT = 5, 3, 8, 53


class Moving(NamedTuple):
    """images complex (frame, y, x), coil_maps complex (coil, y, x) with sum |S|^2 = 1 everywhere."""

    images: np.ndarray
    coil_maps: np.ndarray


def centred(n: int) -> np.ndarray:
    return np.arange(n) - n // 2


@pytest.fixture(scope="session")
def moving() -> Moving:
    y, x = centred(SHAPE[0])[:, None] / SHAPE[0], centred(SHAPE[1]) / SHAPE[1]
    edge = 1 / (1 + np.exp(60 * (np.hypot((y - 0.04) / 0.9, x) - 0.36)))
    places = np.linspace(-0.15, 0.15, N_FRAMES)[:, None, None]
    images = edge * (1 + 0.6 * np.exp(-((y - places) ** 2 + x**2) / 0.006)) * np.exp(1j * (x + 2 * y))
    angles = 2 * np.pi * np.arange(N_COILS)[:, None, None] / N_COILS
    distance = (y - 0.5 * np.sin(angles)) ** 2 + (x - 0.5 * np.cos(angles)) ** 2
    maps = np.exp(-distance / 0.5 + 1j * (angles + y * np.cos(angles)))
    return Moving(images, maps / np.sqrt((np.abs(maps) ** 2).sum(0)))


def fourier(images: np.ndarray, ky: np.ndarray, kx: np.ndarray) -> np.ndarray:
    """(n, place): the orthonormal Fourier transform of images (n, y, x) at places (ky, kx)."""
    rows, columns = centred(SHAPE[0]) / SHAPE[0], centred(SHAPE[1]) / SHAPE[1]
    along_y, along_x = np.exp(-2j * np.pi * np.outer(ky, rows)), np.exp(-2j * np.pi * np.outer(kx, columns))
    return np.einsum("sy,nyx,sx->ns", along_y, images, along_x, optimize=True) / np.sqrt(np.prod(SHAPE))


@pytest.fixture(scope="session")
def trajectory() -> np.ndarray:
    """(frame, spoke, readout, (ky, kx)): golden angles, steps of half a cycle per field of view."""
    angle = np.arange(N_FRAMES * N_SPOKES)[:, None] * np.deg2rad(111.246117975)
    radius = (np.arange(N_READOUT) - N_READOUT // 2) / 2
    points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], -1).astype(np.float32)
    return points.reshape(N_FRAMES, N_SPOKES, N_READOUT, 2)


@pytest.fixture(scope="session")
def spoke_samples(moving: Moving, trajectory: np.ndarray) -> np.ndarray:
    """(frame, coil, spoke, readout)."""
    frames = []
    for image, points in zip(moving.images, trajectory.astype(np.float64), strict=True):
        ky, kx = points.reshape(-1, 2).T
        frames.append(fourier(moving.coil_maps * image, ky, kx).reshape(N_COILS, N_SPOKES, N_READOUT))
    return np.stack(frames)


@pytest.fixture(scope="session")
def grid_samples(moving: Moving) -> np.ndarray:
    """(frame, coil, ky, kx)."""
    ky, kx = (axis.ravel() for axis in np.meshgrid(centred(SHAPE[0]), centred(SHAPE[1]), indexing="ij"))
    frames = [fourier(moving.coil_maps * image, ky, kx) for image in moving.images]
    return np.stack(frames).reshape(N_FRAMES, N_COILS, *SHAPE)


@pytest.fixture
def write_spokes(tmp_path: Path, spoke_samples: np.ndarray, trajectory: np.ndarray) -> Callable[..., Path]:
    """``write_spokes(**changes)``: two series, the second twice the first."""

    def write(**changes: Any) -> Path:
        scan = DynamicKSpace(
            np.stack([spoke_samples, 2 * spoke_samples]).astype(np.complex64),
            Geometry(SHAPE, (5.0, 360.0, 300.0), slices=(0, 1)),
            ("slice 0", "slice 1"),
            trajectory=trajectory,
        )
        return write_dynamic_kspace_h5(tmp_path / "spokes.h5", replace(scan, **changes))

    return write


@pytest.fixture
def write_grid(tmp_path: Path, grid_samples: np.ndarray) -> Callable[..., Path]:
    """``write_grid(**changes)``: one series, fully sampled, with a little noise."""

    def write(**changes: Any) -> Path:
        random = np.random.default_rng(8)
        noise = random.normal(size=grid_samples.shape) + 1j * random.normal(size=grid_samples.shape)
        samples = (grid_samples + 1e-3 * noise)[None].astype(np.complex64)
        scan = DynamicKSpace(
            samples,
            Geometry(SHAPE, (5.0, 360.0, 300.0), slices=(3,)),
            ("slice 3",),
            frame_labels=tuple(f"{t} s" for t in range(N_FRAMES)),
        )
        return write_dynamic_kspace_h5(tmp_path / "grid.h5", replace(scan, **changes))

    return write

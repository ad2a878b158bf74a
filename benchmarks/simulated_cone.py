"""Write the sample ``simulated-cone``: ellipsoids in a cone beam, their chords in closed form, photon noise.

    python -m benchmarks.simulated_cone data/samples/simulated-cone.h5

Equal seeds give equal files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

N_VIEWS, N_ROWS, N_COLUMNS, CELL_MM = 128, 32, 48, 2.0
SOURCE_ORIGIN_MM, SOURCE_DETECTOR_MM = 300.0, 450.0
PHOTONS, SEED = 1e5, 20
WATER = 0.02  # 1/mm
BODY_MM = np.array([22.0, 26.0, 15.0])  # semi-axes along x, y, z
SHELL_MM, SHELL, INSERTS = 2.0, 1.8, 14  # thickness, and value relative to water


def ellipsoids(rng: np.random.Generator) -> list[tuple[NDArray[np.float64], NDArray[np.float64], float]]:
    """Centre and semi-axes along (x, y, z) in mm, and what each adds, 1/mm: a shell, its content, inserts."""
    inner = BODY_MM - SHELL_MM
    found = [(np.zeros(3), BODY_MM, SHELL * WATER), (np.zeros(3), inner, (1 - SHELL) * WATER)]
    for _ in range(INSERTS):
        axes = rng.uniform(1.5, 6.0, 3)
        direction = rng.standard_normal(3)
        centre = (
            direction / np.linalg.norm(direction) * rng.uniform(0, 1) ** (1 / 3) * (inner - axes.max() - 1)
        )
        found.append((centre, axes, WATER * float(rng.choice([-0.5, -0.3, 0.15, 0.3, 0.6]))))
    return found


def line_integrals(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of chords (row, angle, column), and the angles: along a ray s + t d, |d| = 1, the chord of an
    ellipsoid is 2 sqrt(b^2 - a c) / a with a = |d / r|^2, b = d / r . s / r, c = |s / r|^2 - 1."""
    angles = 2 * np.pi * np.arange(N_VIEWS) / N_VIEWS
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    u = (np.arange(N_COLUMNS) - (N_COLUMNS - 1) / 2) * CELL_MM
    v = ((np.arange(N_ROWS) - (N_ROWS - 1) / 2) * CELL_MM)[:, None, None]
    along = (u * cos - sin * SOURCE_DETECTOR_MM, u * sin + cos * SOURCE_DETECTOR_MM, v)
    ray = np.stack(np.broadcast_arrays(*along), -1)
    ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    source = SOURCE_ORIGIN_MM * np.stack([sin, -cos, 0 * sin], -1)
    samples = np.zeros(ray.shape[:-1])
    for centre, axes, value in ellipsoids(rng):
        d, s = ray / axes, (source - centre) / axes
        a, b, c = (d * d).sum(-1), (d * s).sum(-1), (s * s).sum(-1) - 1
        samples += value * 2 * np.sqrt(np.maximum(b**2 - a * c, 0)) / a
    return samples, angles


def main(target: Path) -> None:
    rng = np.random.default_rng(SEED)
    samples, angles = line_integrals(rng)
    counts = np.maximum(rng.poisson(PHOTONS * np.exp(-samples)), 1)
    geometry = ScanGeometry(
        "cone",
        angles,
        column_size_mm=CELL_MM,
        row_size_mm=CELL_MM,
        source_origin_mm=SOURCE_ORIGIN_MM,
        source_detector_mm=SOURCE_DETECTOR_MM,
    )
    noisy = -np.log(counts / PHOTONS)[None].astype(np.float32)
    source = {"simulated": "ellipsoids, closed form, 1e5 photons a ray"}
    write_sinogram_h5(target, Sinogram(noisy, "attenuation", geometry, ("ellipsoids",), source=source))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

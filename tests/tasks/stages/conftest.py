"""A small Cartesian scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.writers.kspace_h5 import write_kspace_h5


def complex_noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Complex Gaussian with E|n|^2 = 1."""
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(np.complex64)


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    """Two items, three coils with correlated noise, 33 x 26, a noise measurement, all sampled."""
    rng = np.random.default_rng(0)
    mixing = np.array([[2, 0, 0], [0.5, 1, 0], [0.2j, 0.3, 0.5]], np.complex64)
    kspace = KSpace(
        samples=10 * complex_noise(rng, 2, 3, 33, 26),
        mask=np.ones((1, 33, 26), bool),
        geometry=Geometry(matrix=(33, 26), field_of_view_mm=(5.0, 330.0, 260.0), slices=(0, 1)),
        labels=("slice 0", "slice 1"),
        noise=mixing @ complex_noise(rng, 3, 20_000),
    )
    return write_kspace_h5(tmp_path / "scan.h5", kspace)

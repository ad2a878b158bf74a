"""Scans of two discs by their closed form, 2 sqrt(r^2 - s^2), on every kind of beam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

DISCS = ((0.0, 0.0, 11.0, 0.02), (4.0, 3.0, 3.0, 0.03))  # x, y, radius in mm, attenuation in 1/mm
N_ANGLES, N_COLUMNS = 60, 48
PITCH = 0.7  # mm
WriteCt = Callable[..., Path]


def line_integrals(geometry: ScanGeometry, n_columns: int, discs: Any = DISCS) -> np.ndarray:
    """(angle, column) along the rays through the middle of each column."""
    axis = (n_columns - 1) / 2 if geometry.axis_column is None else geometry.axis_column
    u = (np.arange(n_columns) - axis)[None] * (geometry.column_size_mm or 1.0)
    angle = geometry.angles_rad[:, None]
    if geometry.beam == "parallel":
        turned, offset = angle, u
    else:
        assert geometry.source_origin_mm is not None and geometry.source_detector_mm is not None
        ratio = u / geometry.source_detector_mm
        gamma = ratio if geometry.beam == "fan-curved" else np.arctan(ratio)
        turned, offset = angle - gamma, geometry.source_origin_mm * np.sin(gamma)
    result = np.zeros((len(geometry.angles_rad), n_columns))
    for x, y, radius, value in discs:
        s = offset - (x * np.cos(turned) + y * np.sin(turned))
        result += 2 * value * np.sqrt(np.clip(radius**2 - s**2, 0, None))
    return result


def geometry_of(beam: str, *, arc_deg: float | None = None, **changes: Any) -> ScanGeometry:
    arc = np.deg2rad(arc_deg or (180 if beam == "parallel" else 360))
    angles = np.arange(N_ANGLES) * arc / N_ANGLES
    if beam == "parallel":
        return ScanGeometry("parallel", angles, **{"column_size_mm": PITCH, **changes})
    lengths = {"source_origin_mm": 80.0, "source_detector_mm": 120.0, "column_size_mm": PITCH * 1.5}
    if beam == "cone":
        lengths["row_size_mm"] = PITCH * 1.5
    return ScanGeometry(beam, angles, **{**lengths, **changes})  # type: ignore[arg-type]


@pytest.fixture
def write_ct(tmp_path: Path) -> WriteCt:
    """``write_ct(beam, samples=..., quantity=..., arc_deg=..., **changes)`` writes a scan of two items."""

    def write(
        beam: str = "parallel",
        samples: np.ndarray | None = None,
        *,
        quantity: Any = "attenuation",
        arc_deg: float | None = None,
        fields: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        geometry = geometry_of(beam, arc_deg=arc_deg, **changes)
        if samples is None:
            one = line_integrals(geometry, N_COLUMNS)
            samples = np.stack([one, 1.5 * one]).astype(np.float32)
        labels = tuple(f"row {item}" for item in range(len(samples)))
        scan = Sinogram(samples, quantity, geometry, labels)
        return write_sinogram_h5(tmp_path / f"{beam}.h5", replace(scan, **(fields or {})))

    return write


@pytest.fixture
def discs() -> Callable[..., np.ndarray]:
    """The line integrals themselves."""

    def project(beam: str = "parallel", n_columns: int = N_COLUMNS, **changes: Any) -> np.ndarray:
        return line_integrals(geometry_of(beam, **changes), n_columns)

    return project

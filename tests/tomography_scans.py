"""Fixtures that write projections of a ball."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.schedules import bit_reversed
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

COLUMNS, ROWS = 48, 6
SOURCE_ORIGIN, SOURCE_DETECTOR = 400.0, 600.0
BALL, RADIUS = np.array([3.0, -4.0, 0.5]), 9.0  # mm


@pytest.fixture
def ct_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write exact projections of a ball of attenuation 0.02 per mm, ``quantity`` and ``beam`` as asked."""

    def make(
        beam: str = "parallel",
        quantity: str = "attenuation",
        *,
        degrees: float = 180.0,
        views: int = 60,
        sized: bool = True,
        flats: bool = True,
        axis_column: float | None = None,
        items: int = 1,
    ) -> Path:
        angles = np.deg2rad(np.arange(views) * degrees / views)
        axis = (COLUMNS - 1) / 2 if axis_column is None else axis_column
        rows = np.arange(ROWS) - (ROWS - 1) / 2 if beam == "cone" else np.zeros(1)
        paths = _chords(beam, angles, np.arange(COLUMNS) - axis, rows)
        samples = np.repeat(paths if beam == "cone" else paths[:, 0], items, axis=0)
        fields: dict[str, Any] = {}
        if quantity != "attenuation":
            samples = np.exp(-samples)
        if quantity == "counts":
            samples = 100 + 30_000 * samples
            frames = np.ones((*samples.shape[:-2], 3, COLUMNS))
            fields = {"dark": 100 * frames, "flat": 30_100 * frames} if flats else {}
        lengths = {} if beam == "parallel" else {
            "source_origin_mm": SOURCE_ORIGIN, "source_detector_mm": SOURCE_DETECTOR
        }  # fmt: skip
        if sized:
            lengths |= {"column_size_mm": 1.0} | ({"row_size_mm": 1.0} if beam == "cone" else {})
        geometry = ScanGeometry(beam, angles, **lengths)  # type: ignore[arg-type]
        labels = tuple(f"slice {item}" for item in range(items))
        scan = Sinogram(samples.astype(np.float32), quantity, geometry, labels, **fields)  # type: ignore[arg-type]
        return write_sinogram_h5(tmp_path / "scan.h5", scan)

    return make


def _chords(beam: str, angles: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Attenuation of the ball along the rays, (1, row, angle, column); u, v in mm on the detector."""
    along = np.stack([np.cos(angles), np.sin(angles), 0 * angles], -1)[None, :, None]
    ahead = np.stack([-np.sin(angles), np.cos(angles), 0 * angles], -1)[None, :, None]
    pixels = u[None, None, :, None] * along + v[:, None, None, None] * np.array([0.0, 0.0, 1.0])
    if beam == "parallel":
        start, direction = pixels, np.broadcast_to(ahead, pixels.shape)
    else:
        start = -SOURCE_ORIGIN * ahead
        direction = pixels + SOURCE_DETECTOR * ahead
        direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    offset = BALL - start
    nearest = (offset**2).sum(-1) - (offset * direction).sum(-1) ** 2
    return 0.04 * np.sqrt(np.maximum(RADIUS**2 - nearest, 0))[None]


@pytest.fixture
def series_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write exact projections of a ball of attenuation 0.02 per mm that travels to the right, with some
    noise, and its images as the reference."""

    def make(
        frames: int = 16,
        views: int = 1,
        *,
        columns: int = 24,
        items: int = 1,
        sized: bool = True,
        reference: bool = True,
        noise: float = 0.002,
        **changes: Any,
    ) -> Path:
        angles = bit_reversed(frames * views).reshape(frames, views)
        at = changes.get("axis_column", (columns - 1) / 2)
        place = np.linspace(-3, 3, frames)[:, None, None]  # x of the ball's middle; its y is 2, up
        s = np.arange(columns) - at - (place * np.cos(angles)[..., None] + 2 * np.sin(angles)[..., None])
        samples = 0.04 * np.sqrt(np.clip(49 - s**2, 0, None))
        samples = samples + noise * np.random.default_rng(4).normal(size=(items, *samples.shape))
        grid = np.arange(columns) - (columns - 1) / 2
        truth = 0.02 * ((grid - place) ** 2 + (-grid[:, None] - 2) ** 2 < 49)
        series = DynamicSinogram(
            samples.astype(np.float32),
            angles,
            tuple(f"series {item}" for item in range(items)),
            **{"column_size_mm": 1.0 if sized else None, **changes},
            reference=np.repeat(truth[None], items, axis=0).astype(np.float32) if reference else None,
        )
        return write_dynamic_sinogram_h5(tmp_path / "scan.h5", series)

    return make

"""The arrays of the one small scan that is written in every form."""

from __future__ import annotations

from typing import Any

import numpy as np

RANDOM = np.random.default_rng(11)
TURNS = np.linspace(0, np.pi, 7, endpoint=False)[:, None]
EDGE = np.clip(3 - np.abs(np.linspace(-5, 5, 40)), 0, None)  # attenuation of a slab, 0 beside it


def noise(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)).astype(np.complex64)


# Arrays a form is made of; a test replaces some. No two axes of an array are of one size.
BASE: dict[str, Any] = {
    "kspace": noise(2, 3, 12, 10),
    "fov_mm": (5.0, 240.0, 200.0),
    "spokes": noise(2, 3, 7, 32),
    "trajectory": np.stack([np.cos(TURNS), np.sin(TURNS)], -1) * np.linspace(-0.5, 0.5, 32)[:, None],
    "attenuation": np.broadcast_to(EDGE, (12, 3, 40)).astype(np.float32),
    "counts": np.broadcast_to(100 + 9900 * np.exp(-EDGE), (12, 3, 40)).astype(np.uint16),
    "angles": np.arange(12) * 15.0,
    "unit": "deg",
    "source_detector": 700.0,
    "series": np.broadcast_to(EDGE, (2, 8, 3, 40)).astype(np.float32),
    "series_angles": np.arange(24).reshape(8, 3) * 7.5,
    "frames": noise(2, 4, 3, 12, 10),  # item, frame, coil, ky, kx
    "frame_spokes": noise(2, 4, 3, 7, 32),
    "frame_trajectory": np.stack([np.stack([np.sin(TURNS + t), np.cos(TURNS + t)], -1) for t in range(4)])
    * np.linspace(-16, 16, 32)[:, None],
    "pictures": RANDOM.uniform(1, 2, (2, 12, 10)).astype(np.float32),
    "cube": noise(4, 2, 5),  # frequency, transmitter, receiver
    "frequencies": np.array([2e9, 3e9, 4e9, 5e9]),
    "transmitters": RANDOM.uniform(-0.2, 0.2, (2, 3)),
    "receivers": RANDOM.uniform(-0.2, 0.2, (5, 3)),
}
PAIRS = np.stack(np.divmod(np.arange(10), 5), axis=1)

"""Fixtures that write k-space of an ellipse, by explicit Fourier sums."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.kspace import Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.writers.dynamic_kspace_h5 import write_dynamic_kspace_h5
from proxflow.data.writers.radial_h5 import write_radial_h5


@pytest.fixture
def frames_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write MRI frames of an ellipse with a spot that travels, seen by four smooth coils: fully sampled on a
    grid, or along golden-angle spokes with the frames as the reference."""

    def make(frames: int = 8, *, spokes: int = 0, n: int = 24, maps: bool = False) -> Path:
        axis = np.arange(n) - n // 2
        y, x = np.meshgrid(axis, axis, indexing="ij")
        places = np.linspace(-4, 4, frames)[:, None, None]
        ellipse = ((y / 9) ** 2 + (x / 7) ** 2 < 1) * (1 + ((y - places) ** 2 + x**2 < 7))
        turn = (2 * np.pi * np.arange(4) / 4)[:, None, None]
        coils = np.exp(-((y - 11 * np.sin(turn)) ** 2 + (x - 11 * np.cos(turn)) ** 2) / 250 + 1j * turn)
        radius = np.arange(-n / 2, n / 2, 0.5)
        angle = np.arange(frames * spokes).reshape(frames, spokes, 1) * np.deg2rad(111.246117975)
        points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], -1)
        if not spokes:
            points = np.broadcast_to(np.stack([y, x], -1), (frames, n, n, 2))
        turns = points[..., :1] * y.ravel() + points[..., 1:] * x.ravel()
        samples = np.einsum(
            "tsrp,ctp->tcsr",
            np.exp(-2j * np.pi * turns / n) / n,
            (coils[:, None] * ellipse).reshape(4, frames, -1),
            optimize=True,
        )
        random = np.random.default_rng(6)
        samples = samples + 1e-3 * (
            random.normal(size=samples.shape) + 1j * random.normal(size=samples.shape)
        )
        series = DynamicKSpace(
            samples[None].astype(np.complex64),
            Geometry((n, n), (5.0, 240.0, 240.0), slices=(0,)),
            ("slice 0",),
            trajectory=points.astype(np.float32) if spokes else None,
            coil_maps=coils[None].astype(np.complex64) if maps else None,
            reference=ellipse[None].astype(np.float32) if spokes else None,
        )
        return write_dynamic_kspace_h5(tmp_path / "scan.h5", series)

    return make


@pytest.fixture
def radial_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write spokes (or ``bent`` ones) of an ellipse seen by four smooth coils, by an explicit DFT."""

    def make(
        spokes: int = 40, *, coils: int = 4, bent: bool = False, noise: bool = False, n: int = 32
    ) -> Path:
        axis = np.arange(n) - n // 2
        y, x = np.meshgrid(axis, axis, indexing="ij")
        ellipse = ((y / 10) ** 2 + (x / 7) ** 2 < 1) * (1 + ((y - 3) ** 2 + x**2 < 9))
        turn = 2 * np.pi * np.arange(coils) / coils
        maps = [np.exp(-((y - 14 * np.sin(t)) ** 2 + (x - 14 * np.cos(t)) ** 2) / 400 + 1j * t) for t in turn]
        radius = np.linspace(-n / 2, n / 2, 2 * n, endpoint=False)
        angle = np.linspace(0, np.pi, spokes, endpoint=False)[:, None] + (
            0.08 * np.abs(radius) if bent else 0
        )
        points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], -1)
        turns = np.exp(-2j * np.pi * (points[..., :1] * y.ravel() + points[..., 1:] * x.ravel()) / n) / n
        samples = np.stack([turns @ (ellipse * one).ravel() for one in maps])[None]
        random = np.random.default_rng(3)
        alone = random.standard_normal((coils, 400)) + 1j * random.standard_normal((coils, 400))
        kspace = RadialKSpace(
            samples.astype(np.complex64),
            points.astype(np.float32),
            Geometry((n, n), (5.0, 240.0, 240.0), slices=(0,)),
            ("slice 0",),
            noise=alone.astype(np.complex64) if noise else None,
        )
        return write_radial_h5(tmp_path / "scan.h5", kspace)

    return make

"""A store of its own for every test, the command in process, and small scans made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.writers.kspace_h5 import write_kspace_h5
from proxflow.flows.cli.main import main


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out.strip().splitlines()[-1])


Command = Callable[..., Ended]
MakeScan = Callable[..., Path]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store's folder, not made yet; the working folder is the test's own."""
    folder = tmp_path / "store"
    monkeypatch.setenv("PROXFLOW_STORE", str(folder))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``proxflow`` with these arguments."""

    def run(*tokens: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(token) for token in tokens])
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def make_scan(tmp_path: Path) -> MakeScan:
    """Write a measurement of ellipses seen by smooth coils; ``sampled`` chooses its mask."""

    def make(
        name: str = "scan.h5",
        *,
        coils: int = 4,
        shape: tuple[int, int] = (48, 40),
        items: int = 1,
        sampled: str = "fully",
        noise: bool = False,
        reference: bool = False,
    ) -> Path:
        rng = np.random.default_rng(7)
        images, maps = _ellipses(items, shape), _coil_maps(coils, shape)
        samples = _fft2c(images[:, None] * maps)
        samples = samples + 1e-3 * (
            rng.standard_normal(samples.shape) + 1j * rng.standard_normal(samples.shape)
        )
        mask = _mask(sampled, shape, rng)
        scan = KSpace(
            samples=(samples * mask).astype(np.complex64),
            mask=np.broadcast_to(mask, (1, *shape)).copy(),
            geometry=Geometry(matrix=shape, field_of_view_mm=(5.0, 240.0, 200.0), slices=tuple(range(items))),
            labels=tuple(f"slice {item}" for item in range(items)),
            noise=(rng.standard_normal((coils, 512)) + 1j * rng.standard_normal((coils, 512))).astype(
                np.complex64
            )
            if noise
            else None,
            reference=images.astype(np.float32) if reference else None,
            source={"licence": "made for a test"},
        )
        return write_kspace_h5(tmp_path / name, scan)

    return make


def _ellipses(items: int, shape: tuple[int, int]) -> np.ndarray:
    y, x = (np.linspace(-1, 1, n) for n in shape)
    outer = (y[:, None] / 0.8) ** 2 + (x / 0.7) ** 2 < 1
    inner = ((y[:, None] - 0.2) / 0.3) ** 2 + (x / 0.2) ** 2 < 1
    return np.stack([outer + (0.5 + 0.1 * item) * inner for item in range(items)]).astype(float)


def _coil_maps(coils: int, shape: tuple[int, int]) -> np.ndarray:
    if coils == 1:
        return np.ones((1, *shape), complex)
    y, x = (np.linspace(-1, 1, n) for n in shape)
    angles = 2 * np.pi * np.arange(coils)[:, None, None] / coils
    distance = (y[:, None] - np.sin(angles)) ** 2 + (x - np.cos(angles)) ** 2
    return np.exp(-distance / 2 + 1j * angles)


def _mask(sampled: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    if sampled == "fully":
        return np.ones(shape, bool)
    mask = np.zeros(shape, bool)
    mask[::2] = True
    if sampled == "lines":
        mask[shape[0] // 2 - 8 : shape[0] // 2 + 8] = True
    return mask


def _fft2c(images: np.ndarray) -> np.ndarray:
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes), norm="ortho"), axes)

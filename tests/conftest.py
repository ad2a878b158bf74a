"""Fixtures that every test may use."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # before torch: test workers share the cores

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what is in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no program that a test starts hears Ctrl-C

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.kspace import Geometry
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.schedules import bit_reversed
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.dynamic_kspace_h5 import write_dynamic_kspace_h5
from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5
from proxflow.data.writers.radar_h5 import write_radar_h5
from proxflow.data.writers.radial_h5 import write_radial_h5
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

COLUMNS, ROWS = 48, 6
SOURCE_ORIGIN, SOURCE_DETECTOR = 400.0, 600.0
BALL, RADIUS = np.array([3.0, -4.0, 0.5]), 9.0  # mm
POINT = np.array([0.02, -0.03, 0.25])  # m
SPEED = 299_792_458.0
FIRST_START = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


@pytest.fixture
def rng() -> torch.Generator:
    """A seeded generator, fresh for every test."""
    return torch.Generator().manual_seed(20)


@pytest.fixture
def picture_file(tmp_path: Path) -> Callable[..., Path]:
    """``picture_file(shape)``: a PNG of 8 bits, bright blocks on grey, never square."""
    from PIL import Image

    def write(shape: tuple[int, int] = (34, 29)) -> Path:
        picture = np.full(shape, 40, np.uint8)
        picture[6:20, 5:15] = 200
        picture[16:, 18:25] = 120
        Image.fromarray(picture).save(tmp_path / "blocks.png")
        return tmp_path / "blocks.png"

    return write


@pytest.fixture(scope="session")
def prefect_home_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Make a folder a home of Prefect's in which no flow ran yet, and return it.

    In an empty one, a server first makes the tables of its database, step by step: 10 s of a core. Here one
    test worker does so for all. Tests of the first start (test_prefect, test_serve) begin with an empty one.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    prepared = shared / "prefect-as-new"

    def make(home: Path) -> Path:
        with (shared / "prefect-as-new.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (prepared / "ready").exists():
                environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
                environment |= {"PREFECT_HOME": str(prepared)}
                subprocess.run([sys.executable, "-c", FIRST_START], env=environment, check=True)
                (prepared / "ready").touch()
        home.mkdir(parents=True, exist_ok=True)
        for file in prepared.glob("prefect.db*"):
            shutil.copy(file, home)
        return home

    return make


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


@pytest.fixture
def radar_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write the echo of a point seen by antennas: plane-z, plane-x, thick, ring or flown."""

    def make(
        array: str = "plane-z", *, background: bool = False, frequencies: int = 12, items: int = 1
    ) -> Path:
        places, pairs = _antennas(array)
        hertz = np.linspace(2e9, 6e9, frequencies) if array != "flown" else np.linspace(9e9, 9.2e9, 24)
        centre = np.array([2.0, -1.5, 0.0]) if array == "flown" else POINT
        ranges = np.linalg.norm(places, axis=1)[pairs[:, 0]] if array == "flown" else None
        away = np.linalg.norm(places - centre, axis=1)
        path = away[pairs[:, 0]] + away[pairs[:, 1]] - (0 if ranges is None else 2 * ranges)
        echo = np.exp(-2j * np.pi * hertz[:, None] * path / SPEED)
        leak = np.full_like(echo, 0.5 + 0.2j)
        samples = np.repeat((echo + leak if background else echo)[None], items, axis=0)
        labels = tuple(f"scene {item}" for item in range(items))
        cube = RadarCube(
            samples.astype(np.complex64),
            AntennaGeometry(places, places, pairs, hertz, ranges),
            labels,
            background=np.repeat(leak[None], items, axis=0).astype(np.complex64) if background else None,
        )
        return write_radar_h5(tmp_path / "scan.h5", cube)

    return make


def _antennas(array: str) -> tuple[np.ndarray, np.ndarray]:
    """Places (antenna, 3) in metres and pairs."""
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-0.1, 0.1, 4)]), -1).reshape(-1, 2)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], -1)
    zeros = np.zeros(16)
    if array == "flown":
        arc = np.deg2rad(np.linspace(-1, 1, 16))
        places = np.stack([7000 * np.cos(arc), 7000 * np.sin(arc), zeros + 7000], -1)
        return places, np.repeat(np.arange(16)[:, None], 2, axis=1)
    places = {
        "plane-z": np.column_stack([grid, zeros]),
        "plane-x": np.column_stack([zeros, grid]),
        "thick": np.column_stack([grid, np.tile([0.0, 0.05], 8)]),
        "ring": np.column_stack([0.3 * circle, zeros + POINT[2]]),
    }[array]
    return places, np.array([(t, r) for t in range(16) for r in range(16) if t < r])


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


@pytest.fixture
def lpn_file(tmp_path: Path) -> Callable[..., Path]:
    """Write weights of a small learned proximal network that takes noise off, changed by ``change``."""
    from dataclasses import asdict

    from proxflow.data.weights.lpn_weights import LpnTrained, LpnWeights, write_lpn_weights
    from proxflow.models.networks.drawn_network import drawn_network
    from proxflow.models.networks.icnn import Icnn
    from proxflow.models.networks.icnn_settings import IcnnSettings

    def make(channels: int, change: Callable[[dict[str, torch.Tensor]], None] | None = None) -> Path:
        settings = IcnnSettings("small", channels=channels, side=16, hidden=4, beta=10.0, alpha=0.3)
        network = drawn_network(lambda: Icnn(settings), seed=4)
        rng = torch.Generator().manual_seed(5)
        for layer in network.lin[1:]:
            weight: torch.Tensor = layer.weight
            weight.data.copy_(torch.rand(weight.shape, generator=rng) / weight[0].numel())
        weights = network.state_dict()
        if change is not None:
            change(weights)
        trained = LpnTrained("the bright voxels", 0.0, 1.0, 0.1, 0.5, "none: drawn", "CC0-1.0")
        path = tmp_path / f"lpn-{channels}{'' if change is None else '-changed'}.safetensors"
        write_lpn_weights(path, LpnWeights(weights, asdict(settings), trained))
        return path

    return make

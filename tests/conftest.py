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

import numpy as np
import pytest
import torch

from tests.kspace_scans import frames_scan, radial_scan
from tests.radar_scans import radar_scan
from tests.tomography_scans import ct_scan, series_scan

__all__ = ["ct_scan", "frames_scan", "radar_scan", "radial_scan", "series_scan"]

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

"""A Dask cluster of processes that were started apart: 64 slices of measured k-space, and a worker killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.writers.kspace_h5 import write_kspace_h5

pytestmark = pytest.mark.slow

N_SLICES = 64
RECIPE = """name: volume
scan: {path: SCAN}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: tv, n_iter: 20, tol: 0, lam: 0.003}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
PROXFLOW = [sys.executable, "-c", "from proxflow.flows.cli.main import main; main()"]


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measured k-space of the low-field phantom, zero-filled from 10 to 64 samples along the slices."""
    with open_scan("sample://phantom-lowfield") as scan:
        slices = scan.read().samples
    along = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(slices, axes=0), axis=0, norm="ortho"), axes=0)
    filled = np.zeros((N_SLICES, *slices.shape[1:]), np.complex64)
    start = N_SLICES // 2 - len(slices) // 2
    filled[start : start + len(slices)] = along
    finer = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(filled, axes=0), axis=0, norm="ortho"), axes=0)
    kspace = KSpace(
        finer.astype(np.complex64),
        np.ones((1, *slices.shape[2:]), bool),
        Geometry((60, 60), slices=tuple(range(N_SLICES))),
        tuple(f"slice {index}" for index in range(N_SLICES)),
    )
    return write_kspace_h5(tmp_path_factory.mktemp("volume") / "volume.h5", kspace)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that does not outlive the test."""
    started = []

    def begin(*command: str, **named: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, text=True, start_new_session=True, **named)
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def cluster(start: Callable[..., Any], tmp_path: Path) -> tuple[str, list[subprocess.Popen[str]]]:
    """A scheduler and two workers on the loopback: its address, and the workers."""
    scheduler = start(
        *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
        "--no-dashboard",
        stderr=subprocess.PIPE,
    )
    address = None
    for line in scheduler.stderr:
        if found := re.search(r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)", line):
            address = found[1]
            break
    assert address
    workers = [
        start(
            *(sys.executable, "-m", "distributed.cli.dask_worker", address, "--host", "127.0.0.1"),
            *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "dask")),
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    return address, workers


def run(recipe: Path, scan: Path, store: Path, *changes: str) -> tuple[list[str], dict[str, str]]:
    """The command, and the environment it runs in."""
    recipe.write_text(RECIPE.replace("SCAN", str(scan)).replace("STORE", str(store)))
    settings = [part for change in changes for part in ("--set", change)]
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    return [*PROXFLOW, "run", str(recipe), *settings, "--json"], environment | {"OMP_NUM_THREADS": "1"}


def image(document: dict[str, Any]) -> np.ndarray:
    with h5py.File(document["image"]) as file:
        return np.asarray(file["image"][()])


def test_64_slices_with_a_worker_killed_are_those_of_the_local_run(
    start: Callable[..., Any],
    cluster: tuple[str, list[subprocess.Popen[str]]],
    volume: Path,
    tmp_path: Path,
) -> None:
    address, workers = cluster
    store = tmp_path / "shared"
    command, environment = run(
        tmp_path / "dask.yaml", volume, store, "runtime.runner=dask", f"runtime.scheduler={address}"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(*command, cwd=tmp_path, env=environment, **pipes)
    deadline = time.monotonic() + 200
    while len(list(store.glob("checkpoints/*/item-*.h5"))) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    workers[0].kill()
    out, err = process.communicate(timeout=250)
    assert process.returncode == 0, err
    spread = json.loads(out.splitlines()[-1])
    assert workers[1].poll() is None

    command, environment = run(tmp_path / "local.yaml", volume, tmp_path / "local")
    local = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250
    )
    assert local.returncode == 0, local.stderr
    alone = json.loads(local.stdout.splitlines()[-1])
    assert [stage["key"] for stage in spread["stages"]][:-1] == [s["key"] for s in alone["stages"]][:-1]
    assert spread["metrics"] == alone["metrics"]
    assert image(spread).shape == (N_SLICES, 60, 60)
    np.testing.assert_array_equal(image(spread), image(alone))
    assert not list(store.glob("checkpoints/*"))


def test_workers_with_another_proxflow_are_refused(
    cluster: tuple[str, list[subprocess.Popen[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.tasks.errors import RequestError
    from proxflow.tasks.runners import dask_cluster

    runner = dask_cluster.DaskRunner(1, 1, cluster[0])
    monkeypatch.setattr(dask_cluster, "source_digest", lambda folders: "as after an edit")
    with pytest.raises(RequestError, match="Dask workers must have the Proxflow of this process"):
        runner.call(abs, -1)
    runner.close()


def test_a_store_that_workers_do_not_see_is_refused(
    start: Callable[..., Any],
    cluster: tuple[str, list[subprocess.Popen[str]]],
    volume: Path,
    tmp_path: Path,
) -> None:
    """The client runs where another file system lies over the store's place."""
    store = tmp_path / "store"
    store.mkdir()
    address, _ = cluster
    command, environment = run(
        tmp_path / "r.yaml", volume, store, "runtime.runner=dask", f"runtime.scheduler={address}"
    )
    alone = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(store)]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    done = subprocess.run(
        [*alone, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 2, done.stderr
    assert "runtime.store must be a folder that workers share with this process" in done.stderr
    assert "Traceback" not in done.stderr

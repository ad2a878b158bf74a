"""Prefect's database and server fail while a run goes on: the run does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.prefect]
LOCKED_SECONDS = 6.0
LONG = ["--set", "reconstruct.n_iter=120"]
Flow = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def flow(tmp_path: Path, prefect_environment: dict[str, str]) -> Iterator[Flow]:
    """Start a recipe with Prefect in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(recipe: Path, *tokens: object, **more: str) -> subprocess.Popen[str]:
        inherited = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
        command = "from proxflow.flows.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", command, "run", recipe, "--prefect", "--json", *map(str, tokens)],
            cwd=tmp_path,
            env=inherited | prefect_environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_locked_database_only_delays_the_record(
    flow: Flow, recipe: Path, store: Path, prefect_environment: dict[str, str], until: Any, calm: Any
) -> None:
    """Another process holds SQLite's exclusive lock for some seconds while stages start and end."""
    running = flow(recipe, *LONG)
    until(lambda: running.poll() is not None or list(store.glob("checkpoints/*/state-0.h5")))
    database = Path(prefect_environment["PREFECT_HOME"]) / "prefect.db"
    with sqlite3.connect(database, isolation_level=None, timeout=60) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED_SECONDS)
        locking.execute("ROLLBACK")
    out, err = running.communicate(timeout=200)
    assert running.returncode == 0, err
    assert err == ""
    run = json.loads(out.splitlines()[-1])
    assert image(run) == image(calm(*LONG).document)
    with sqlite3.connect(database) as reading:
        states = reading.execute("select name, state_name from task_run").fetchall()
    assert sorted(name for name, _ in states) == sorted(stage["name"] for stage in run["stages"])
    assert {state for _, state in states} == {"Completed"}


def image(run: dict[str, Any]) -> bytes:
    import h5py

    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()]).tobytes()


def test_a_run_outlasts_its_server(
    flow: Flow, recipe: Path, store: Path, server: Server, until: Any, calm: Any
) -> None:
    """Prefect's server is killed while a method iterates: the run completes, and says what is missing."""
    running = flow(recipe, *LONG, PREFECT_API_URL=server.url)
    until(lambda: running.poll() is not None or list(store.glob("checkpoints/*/state-0.h5")))
    os.killpg(server.process.pid, signal.SIGKILL)
    out, err = running.communicate(timeout=200)
    assert running.returncode == 0, err
    assert image(json.loads(out.splitlines()[-1])) == image(calm(*LONG).document)
    assert err == "proxflow: Prefect's server is gone; the run is complete, its record there is not\n"


class Server(NamedTuple):
    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def server(prefect_environment: dict[str, str], until: Any) -> Iterator[Server]:
    """A Prefect server in a session of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--no-ui"],
        env=os.environ | prefect_environment | quiet | {"PREFECT_SERVER_API_PORT": port},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}/api"
    until(lambda: process.poll() is not None or answers(url))
    assert process.poll() is None
    yield Server(url, process)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.read() == b"true")
    except OSError:
        return False

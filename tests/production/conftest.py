"""A real Prefect server and a real ``proxflow serve``, as processes on free loopback ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
RECIPE = """name: small
scan: {path: 'sample://brain-13coil'}
prepare:
  - {kind: crop, matrix: [112, 96]}
  - {kind: compress_coils, n_coils: 4}
  - {kind: undersample, acceleration: 3, acs: [20, 16], seed: 1}
reconstruct: {method: cg_sense, n_iter: 8}
compare:
  - {method: zero_filled}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: store, checkpoint_seconds: 0.2}
"""
SERVING = """limit: 2
reports: {port: 0}
deployments:
  - name: small
    flow: reconstruct
    parameters: {recipe: small.yaml}
    tags: [by-hand]
  - name: by-the-minute
    flow: compare
    parameters: {recipe: small.yaml}
    schedules: [{cron: "* * * * *", timezone: Europe/Zurich}]
    limit: 1
    when_full: skip
"""


def until(found: Callable[[], T | None], seconds: float = 150.0) -> T:
    """The first thing found; the machine may be busy."""
    end = time.monotonic() + seconds
    while (result := found()) is None:
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.2)
    return result


class Command:
    """``proxflow`` with arguments as a process in a folder; its lines are kept."""

    def __init__(self, folder: Path, *tokens: object, **variables: str) -> None:
        self.log = folder / f"{tokens[0]}-{time.monotonic_ns()}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
        environment |= {"PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1", **variables}
        code = "from proxflow.flows.cli.main import main; main()"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, tokens)],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def says(self, part: str) -> str:
        """The first line with ``part``, waited for."""

        def line() -> str | None:
            found = next((line for line in self.text.splitlines() if part in line), None)
            assert found or self.process.poll() is None, self.text
            return found

        return until(line)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


class Server:
    """``proxflow ui`` and its API."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.command = Command(folder, "ui", "--port", port)
        self.address = self.command.says("the UI is at").split()[-1]
        self.url = f"{self.address}/api"

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """What the API answers; it answers 503 while its database is busy."""

        def answer() -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(
                self.url + path, data, {"Content-Type": "application/json"}, method=method
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return (json.loads(reply.read() or b"null"),)
            except urllib.error.HTTPError as error:
                assert error.code == 503, error.read()
                return None

        return until(answer)[0]

    def start(self, deployment: str, **parameters: Any) -> str:
        """The id of a new run of a deployment."""
        found = self.ask(f"/deployments/name/{deployment}")["id"]
        return str(self.ask(f"/deployments/{found}/create_flow_run", {"parameters": parameters})["id"])

    def ended(self, run: str, states: tuple[str, ...] = ENDED) -> dict[str, Any]:
        """A run, once it is in one of the states."""

        def found() -> dict[str, Any] | None:
            read: dict[str, Any] = self.ask(f"/flow_runs/{run}")
            return read if read["state"]["type"] in states else None

        return until(found)

    def log_of(self, run: str) -> list[str]:
        """The lines of a run's log that have reached the server."""
        return [
            line["message"] for line in self.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
        ]

    def of_run(self, what: str, run: str) -> list[dict[str, Any]]:
        """Task runs or artifacts of a run."""
        return list(self.ask(f"/{what}/filter", {"flow_runs": {"id": {"any_": [run]}}}))


def write_files(folder: Path) -> None:
    (folder / "small.yaml").write_text(RECIPE.replace("store: store", f"store: {folder / 'store'}"))
    (folder / "serving.yaml").write_text(SERVING)


def serving(folder: Path, server: Server) -> Command:
    """``proxflow serve``, ready."""
    command = Command(folder, "serve", "serving.yaml", PREFECT_API_URL=server.url)
    command.says("Ctrl-C ends it")
    return command


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("production")
    write_files(made)
    return made


@pytest.fixture(scope="package")
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder)
    yield made
    assert made.command.end() == 0
    assert "Traceback" not in made.command.text


@pytest.fixture(scope="package")
def served(folder: Path, server: Server) -> Iterator[Command]:
    command = serving(folder, server)
    yield command
    assert command.end(signal.SIGINT) == 0
    assert "Traceback" not in command.text

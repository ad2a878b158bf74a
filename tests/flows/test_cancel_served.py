"""`proxflow runs` and `cancel` with a Prefect server: a planned run, and one of a served deployment."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from proxflow.tasks.run_ledger import RunLedger

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

SERVED = """
from pathlib import Path
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from prefect import flow
from proxflow.configs.loading import load_recipe
from proxflow.flows.launch import launch
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.tasks.reporting import SilentReporter

@flow(name="reconstruct", flow_run_name="unending", persist_result=False)
def reconstruct(recipe: str, out: str) -> None:
    loaded = load_recipe(Path(recipe), ["reconstruct.n_iter=100000", "runtime.checkpoint_seconds=0.2"])
    launch(loaded, (loaded.reconstruct,), command="", out=Path(out), listener=SilentReporter(),
           engine=PrefectEngine, origin=flow_origin())

if __name__ == "__main__":
    reconstruct.serve("test")
"""


def wait_until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 180
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


@pytest.fixture
def server(
    tmp_path: Path, prefect_home_at: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A Prefect server of the test's own, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PREFECT_HOME": str(prefect_home_at(tmp_path / "prefect")),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with started("-m", "prefect", "server", "start", log=tmp_path / "server.log"):
        wait_until(lambda: answers(environment["PREFECT_API_URL"]))
        yield environment["PREFECT_API_URL"]


@contextmanager
def started(*arguments: str, log: Path) -> Iterator[None]:
    """A Python process that is told to end, with its children, when the block does."""
    command = [sys.executable, *arguments]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def proxflow(*tokens: object) -> tuple[int, dict[str, Any], str]:
    """A process of its own: Prefect's settings are read when it is imported."""
    code = "from proxflow.flows.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, tokens), "--json"], capture_output=True, text=True, timeout=120
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_a_served_run_and_a_planned_one_are_listed_and_cancelled(
    server: str, recipe: Path, store: Path, tmp_path: Path
) -> None:
    script = tmp_path / "served.py"
    script.write_text(SERVED)
    ledger, at = RunLedger(store), ("--store", store)
    with started(str(script), log=tmp_path / "serve.log"):
        going, planned = submit(server, recipe, tmp_path), submit(server, recipe, tmp_path, hours=5)
        wait_until(lambda: list(store.glob("checkpoints/*/state-0.h5")))
        (record,) = ledger.records()
        assert (record.origin.kind, record.origin.deployment) == ("deployment", "test")
        assert (record.origin.flow_run_id, record.origin.flow_run_name) == (going, "unending")

        code, listed, err = proxflow("runs", *at)
        assert code == 0, err
        assert [run["state"] for run in listed["runs"]] == ["running"]
        assert [(run["id"], run["flow"], run["state"]) for run in listed["server"]] == [
            (planned, "reconstruct", "scheduled")
        ]

        code, cancelled, err = proxflow("cancel", "unending", *at)
        assert (code, cancelled.get("ended")) == (0, True), err
        ended = ledger.record(record.id)
        assert ended is not None and ended.state == "interrupted"
        assert state_of(server, going) == "CANCELLED"
        wait_until(lambda: not Path(f"/proc/{record.process.pid}").exists())

        code, cancelled, err = proxflow("cancel", planned[:13], *at)
        assert (code, cancelled.get("run")) == (0, planned), err
        assert state_of(server, planned) == "CANCELLED"
        assert proxflow("runs", *at)[1]["server"] == []


def test_without_the_server_the_ledger_is_still_listed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    RunLedger(store).folder.mkdir(parents=True)
    code, listed, err = proxflow("runs", "--store", store)
    assert (code, listed["runs"], listed["server"]) == (0, [], [])
    assert "PREFECT_API_URL must be a server that answers, got http://127.0.0.1:9/api" in err
    code, refused, err = proxflow("cancel", "any", "--store", store)
    assert (code, refused["status"]) == (2, "bad_input")


def submit(url: str, recipe: Path, out: Path, hours: int = 0) -> str:
    """A run of the deployment, asked for over HTTP; its id."""
    deployment = wait_until(lambda: post(url, "/deployments/filter"))[0]["id"]
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600 * hours))
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
    asked = {"parameters": {"recipe": str(recipe), "out": str(out / "result")}, "state": state}
    return str(post(url, f"/deployments/{deployment}/create_flow_run", asked)["id"])


def state_of(url: str, flow_run: str) -> str:
    return str(post(url, "/flow_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})[0]["state_type"])


def post(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        url + path, json.dumps(body or {}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())

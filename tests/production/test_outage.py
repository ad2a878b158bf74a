"""The server goes, or ``proxflow serve`` is stopped, while a run computes."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Command, Server, serving, until, write_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
LONG = {"method": "tv", "n_iter": 600, "tol": 0, "lam": 0.002}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prefect_home_at: Callable[[Path], Path]) -> Path:
    made = tmp_path_factory.mktemp("outage")
    write_files(made)
    prefect_home_at(made / "prefect")
    return made


@pytest.fixture
def doomed(place: Path) -> Iterator[Server]:
    made = Server(place)
    yield made
    made.command.process.kill()
    made.command.process.wait()


def test_run_at_a_terminal_completes_without_its_server(place: Path, doomed: Server) -> None:
    changes = [part for key, value in LONG.items() for part in ("--set", f"reconstruct.{key}={value}")]
    command = Command(place, "run", "small.yaml", *changes, "--json", PREFECT_API_URL=doomed.url)
    until(lambda: next(place.glob("store/checkpoints/*/state-0.h5"), None))
    doomed.command.end(signal.SIGKILL)
    assert command.process.wait(timeout=120) == 0
    sentence, result = command.text.splitlines()
    assert sentence == "proxflow: Prefect's server is gone; the run is complete, its record there is not"
    assert Path(json.loads(result)["report"]).is_file()


def test_deployed_run_completes_without_its_server_and_reports_when_it_is_back(
    place: Path, doomed: Server
) -> None:
    served = serving(place, doomed)
    run = doomed.start("reconstruct/small", reconstruct=LONG | {"lam": 0.003})
    served.says("started")
    until(lambda: next(place.glob("store/checkpoints/*/state-0.h5"), None))
    doomed.command.end(signal.SIGKILL)
    served.says("done in")
    served.says("told when it is back")
    served.says("runs go on, asking again")  # it asks only now and then: a short absence goes unseen
    back = Server(place, int(doomed.address.rpartition(":")[2]))
    try:
        assert back.ended(run, ("COMPLETED",))["state"]["message"].startswith("Report: ")
        assert {artifact["key"] for artifact in back.of_run("artifacts", run)} >= {"preview-small"}
        served.says("the server is back")
    finally:
        served.end()
        back.command.end()
    assert "Traceback" not in served.text


def test_stopping_serve_puts_a_run_back_and_it_goes_on(place: Path, doomed: Server) -> None:
    served = serving(place, doomed)
    run = doomed.start("reconstruct/small", reconstruct=LONG | {"lam": 0.004})
    served.says("started")
    until(lambda: next(place.glob("store/checkpoints/*/state-0.h5"), None))
    assert served.end() == 0
    assert "put back" in served.text
    assert doomed.ask(f"/flow_runs/{run}")["state"]["type"] == "SCHEDULED"
    again = serving(place, doomed)
    try:
        assert doomed.ended(run)["state"]["type"] == "COMPLETED"
    finally:
        again.end()

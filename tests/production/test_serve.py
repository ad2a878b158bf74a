"""Deployments served for real: started through the API and by a schedule, and read back through the API."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from .conftest import ENDED, Command, Server, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def run(server: Server, served: Command) -> dict[str, Any]:
    """A finished run of the deployment ``small``."""
    made = server.ended(server.start("reconstruct/small"))
    assert made["state"]["type"] == "COMPLETED", made["state"]
    return made


def test_run_has_a_readable_name_and_tags_and_says_where_its_report_is(run: dict[str, Any]) -> None:
    assert run["name"] == "small cg_sense"
    assert run["tags"] == ["by-hand", "mri-cartesian", "brain-13coil", "cg_sense"]
    assert Path(run["state"]["message"].removeprefix("Report: ")).is_file()


def test_artifacts_show_figures_pictures_and_a_report_that_opens(server: Server, run: dict[str, Any]) -> None:
    artifacts = {artifact["key"]: artifact for artifact in server.of_run("artifacts", run["id"])}
    assert set(artifacts) == {"metrics-small", "preview-small", "report-small"}
    assert '"method": "cg_sense"' in artifacts["metrics-small"]["data"]
    page = artifacts["preview-small"]["data"]
    assert "![images side by side](data:image/png;base64,iVBOR" in page
    assert "reconstruct:cg_sense" in page
    link = artifacts["report-small"]["data"].rpartition("(")[2].rstrip(")")
    with urllib.request.urlopen(link) as reply:
        assert b"<html" in reply.read()
    for elsewhere in ("/", "/../small.yaml", "/%2e%2e/small.yaml"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(link[: link.index("/", 8)] + elsewhere)


def test_second_run_shows_every_stage_as_cached(server: Server, run: dict[str, Any]) -> None:
    again = server.ended(server.start("reconstruct/small"))
    assert again["state"]["type"] == "COMPLETED"

    def recorded() -> list[str] | None:
        """Of all tasks, once the last has ended: their events reach the server after the end of the run."""
        states = [task["state"] for task in server.of_run("task_runs", again["id"])]  # None: just created
        ended = [state["name"] for state in states if state and state["type"] in ENDED]
        return ended if len(ended) == 6 else None

    assert until(recorded) == ["Cached"] * 6


def test_schedule_starts_a_run_by_itself(server: Server, served: Command) -> None:
    deployment = server.ask("/deployments/name/compare/by-the-minute")

    def finished() -> dict[str, Any] | None:
        query = {
            "deployments": {"id": {"any_": [deployment["id"]]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
        }
        return next(iter(server.ask("/flow_runs/filter", query)), None)

    made = until(finished)
    server.ask(f"/deployments/{deployment['id']}", {"paused": True}, method="PATCH")
    assert made["state"]["type"] == "COMPLETED", made["state"]
    assert made["name"] == "small cg_sense, zero_filled"
    assert "auto-scheduled" in made["tags"]


def test_bad_form_is_refused_with_the_sentence_of_the_command_line(
    server: Server, served: Command, folder: Path
) -> None:
    bad = server.ended(server.start("reconstruct/small", reconstruct={"method": "tv", "lam": 7}))
    assert bad["state"]["type"] == "FAILED"
    assert bad["name"] == "refused"
    changes = ["reconstruct={method: tv, lam: 7}"]
    code = f"from proxflow.flows.cli.main import main; main(['run', 'small.yaml', '--set', {changes[0]!r}])"
    typed = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert typed.returncode == 2
    assert typed.stderr.strip().endswith(bad["state"]["message"])
    assert bad["state"]["message"] == "reconstruct.lam must be less than or equal to 1, got 7"

    def logged() -> str | None:
        lines = server.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [bad["id"]]}}})
        return next((line["message"] for line in lines if "Traceback" in line["message"]), None)

    assert until(logged).startswith(bad["state"]["message"] + "\nTraceback")


def test_servers_listen_on_loopback_alone_and_only_to_their_own_pages(
    server: Server, served: Command
) -> None:
    reports = served.says("reports at").rpartition(":")[2]
    for port in (server.address.rpartition(":")[2], reports):
        assert _listening(int(port)) == {"0100007F"}
    for header in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/health", headers=header))


def test_what_cannot_be_started_is_one_sentence(server: Server, folder: Path) -> None:
    port = server.address.rpartition(":")[2]
    taken = Command(folder, "ui", "--port", port)
    assert taken.process.wait(timeout=60) == 2
    assert (
        taken.text
        == f"proxflow: --port must be a free port of 127.0.0.1, got {port}: Address already in use\n"
    )
    lonely = Command(folder, "serve", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert lonely.process.wait(timeout=60) == 2
    assert "must be the address of a server that answers" in lonely.text
    assert len(lonely.text.splitlines()) == 1


def _listening(port: int) -> set[str]:
    """Addresses, in hexadecimal, at which someone listens to a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found

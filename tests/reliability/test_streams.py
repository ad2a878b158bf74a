"""Standard streams that are closed, broken or full: the run is done all the same, or says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = (
    f"'{sys.executable}' -c 'from proxflow.flows.cli.main import main; main()' run '{{recipe}}' {{rest}}"
)


@pytest.fixture
def shell(whole: Any, tmp_path: Path) -> Any:
    """Run the recipe of ``whole``, all of it in the store, with redirections as a shell makes them."""
    recipe = Path(whole.document["run_dir"]).parents[1] / "small.yaml"

    def run(rest: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", COMMAND.format(recipe=recipe, rest=f"--out result {rest}")],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_closed_standard_input(shell: Any, tmp_path: Path) -> None:
    """Its number must not go to a file of the store."""
    ended = shell("--json <&-")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["status"] == "done"


def test_closed_outputs(shell: Any, tmp_path: Path) -> None:
    ended = shell("<&- >&- 2>&-")
    assert ended.returncode == 0
    assert (tmp_path / "result" / "report.html").read_text().startswith("<!")


def test_a_reader_who_left(shell: Any, tmp_path: Path) -> None:
    """Exit code 1, for what it had to say was not heard; no traceback; the run folder is whole."""
    ended = shell("| true; exit ${PIPESTATUS[0]}")
    assert ended.returncode in (0, 1)
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert (tmp_path / "result" / "report.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_standard_output(shell: Any, tmp_path: Path) -> None:
    ended = shell("> /dev/full")
    assert ended.returncode == 1
    assert "standard output could not be" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "result" / "report.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_standard_error(shell: Any, tmp_path: Path) -> None:
    ended = shell("--json 2> /dev/full")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "done"

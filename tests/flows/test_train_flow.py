"""Training as a Prefect flow: the plain command's numbers, artifacts, and bad forms refused in our words."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

SCRIPT = """
import sys
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from proxflow.flows.cli.main import main
from proxflow.flows.train import train
for form in ({"methods": ["fbp"]}, {"seeds": "three"}, {"recipe": "nothing"}):
    state = train(**form, return_state=True)
    print("STATE", state.type.value, state.message)
main([*sys.argv[1:], "--prefect", "--json"])
"""


def test_flow_chooses_what_the_command_does_and_refuses_in_its_words(
    proxflow: Any, flow_script: Any, recipe: Path, tmp_path: Path
) -> None:
    arguments = ["train", str(recipe), "--methods", "tv", "--seeds", "1"]
    ran = flow_script(SCRIPT, *arguments)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    states = [line.removeprefix("STATE ") for line in lines if line.startswith("STATE ")]
    assert states[0].startswith("FAILED methods must have numbers that training may choose, got fbp; for ")
    assert states[1] == "FAILED seeds must be a whole number from 1 to 100, got 'three'"
    assert states[2].startswith("FAILED recipe must be an existing file or a ready recipe, got 'nothing'")
    flow = json.loads(lines[-1])
    _, plain, _ = proxflow(*arguments, "--set", f"runtime.store={tmp_path / 'other'}")
    assert plain["cached"] == 0
    assert flow["methods"] == plain["methods"]
    with sqlite3.connect(tmp_path / "prefect" / "prefect.db") as database:
        runs = dict(database.execute("select name, state_type from flow_run"))
        shown = dict(database.execute("select key, type from artifact"))
        tasks = [row[0] for row in database.execute("select name from task_run")]
    assert [name for name, state in runs.items() if state == "COMPLETED"] == ["small train tv"]
    assert shown["numbers-small"] == "table"
    assert shown["training-page-small"] == "markdown"
    assert shown["progress-training-small"] == "progress"
    assert len(tasks) == flow["stages"]
    assert "hold_out:tv lam=0.003 brain-13coil seed 0" in tasks

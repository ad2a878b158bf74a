"""Training a network for volumes as a Prefect flow: the plain command's weights, artifacts, refusals."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from proxflow.tasks.run_ledger import RunLedger

SCRIPT = """
import sys
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from proxflow.flows.cli.main import main
from proxflow.flows.train_volumes import train_volumes
from proxflow.tasks.volume_training import volume_denoiser
volume_denoiser.N_JUDGED = volume_denoiser.N_REPORTED = 2
state = train_volumes(training={"network": "unet3d", "steps": 0}, return_state=True)
print("STATE", state.type.value, state.message)
main([*sys.argv[1:], "--prefect", "--json"])
"""
QUICK = ("--network", "unet3d", "--shape", "12,8,8", "--batch", "2", "--steps", "3")


@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    flow_script: Any, train_volumes: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    ran = flow_script(SCRIPT, "train-volumes", *QUICK, "--out", "flow")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    states = [line.removeprefix("STATE ") for line in lines if line.startswith("STATE ")]
    assert states == ["FAILED training.steps must be greater than or equal to 1, got 0"]
    plainly_ran = train_volumes(*QUICK, "--out", "plain")
    told, plain = json.loads(lines[-1]), json.loads(plainly_ran.stdout.splitlines()[-1])
    assert told["psnr_db"] == plain["psnr_db"]
    by_flow, plainly = load_file(told["weights"]), load_file(plain["weights"])
    assert [name for name, tensor in plainly.items() if not torch.equal(tensor, by_flow[name])] == []
    with sqlite3.connect(tmp_path / "prefect" / "prefect.db") as database:
        runs = dict(database.execute("select name, state_type from flow_run"))
        shown = dict(database.execute("select key, type from artifact"))
        card = database.execute("select data from artifact where key = 'card-volumes-unet3d'").fetchone()
        tasks = [row[0] for row in database.execute("select name from task_run order by start_time")]
    assert runs["volumes-unet3d"] == "COMPLETED"
    assert [name.partition("-")[0] for name in tasks[-3:]] == ["scenes", "training", "results"]
    assert shown["progress-volumes-unet3d"] == "progress"
    assert shown["gains-volumes-unet3d"] == "table"
    assert "# UNet3d" in card[0] and "data:image/png;base64,iVBOR" in card[0]
    latest, first = RunLedger(store).records()
    assert (latest.state, first.state) == ("done", "done")
    assert latest.command == first.command

"""Training a network for volumes as a Prefect flow: the plain command's weights, artifacts, refusals."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from proxflow.tasks.run_ledger import RunLedger
from proxflow.tasks.volume_training import volume_denoiser

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
QUICK = ("train-volumes", "--network", "unet3d", "--shape", "12,8,8", "--batch", "2", "--steps", "3")


@pytest.mark.usefixtures("as_many_threads")
@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    proxflow: Any, flow_script: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    for name in ("N_JUDGED", "N_REPORTED"):
        monkeypatch.setattr(volume_denoiser, name, 2)
    ran = flow_script(SCRIPT, *QUICK, "--out", "flow")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    states = [line.removeprefix("STATE ") for line in lines if line.startswith("STATE ")]
    assert states == ["FAILED training.steps must be greater than or equal to 1, got 0"]
    code, plain, err = proxflow(*QUICK, "--out", "plain")
    assert code == 0, err
    told = json.loads(lines[-1])
    assert told["psnr_db"] == plain["psnr_db"]
    assert Path(told["weights"]).read_bytes() == Path(plain["weights"]).read_bytes()
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
    plainly, by_flow = RunLedger(store).records()
    assert (plainly.state, by_flow.state) == ("done", "done")
    assert by_flow.command == plainly.command

"""Training a diffusion prior as a Prefect flow: the plain command's weights, artifacts, refusals."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from proxflow.flows.parameter_origin import Origin
from proxflow.flows.served_flows import SERVED
from proxflow.tasks.run_ledger import RunLedger

SCRIPT = """
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from proxflow.flows.train_diffusion import train_diffusion
for form in ({}, {"training": {"kind": "ct", "side": 20}}):
    state = train_diffusion(**form, return_state=True)
    print("STATE", state.type.value, state.message)
"""
QUICK = ("--kind", "mri", "--side", "16", "--batch", "2", "--steps", "3", "--validate", "b")


@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    flow_script: Any,
    train_diffusion: Any,
    smaller_priors: str,
    still_images: Path,
    tmp_path: Path,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    tokens = ("train-diffusion", still_images, *QUICK)
    ran = flow_script(SCRIPT + smaller_priors, *tokens, "--out", "flow", "--prefect", "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    states = [line.removeprefix("STATE ") for line in lines if line.startswith("STATE ")]
    assert states == [
        "FAILED images must be named, got none",
        "FAILED training.side must be a multiple of 8, got 20",
    ]
    plainly_ran = train_diffusion(*tokens[1:], "--out", "plain")
    told, plain = json.loads(lines[-1]), json.loads(plainly_ran.stdout.splitlines()[-1])
    assert told["eps_mse"] == plain["eps_mse"]
    assert Path(told["weights"]).read_bytes() == Path(plain["weights"]).read_bytes()
    with sqlite3.connect(tmp_path / "prefect" / "prefect.db") as database:
        runs = dict(database.execute("select name, state_type from flow_run"))
        shown = dict(database.execute("select key, type from artifact"))
        told_of = dict(database.execute("select key, description from artifact"))
        card = database.execute("select data from artifact where key = 'card-diffusion-mri'").fetchone()
        tasks = [row[0] for row in database.execute("select name from task_run order by start_time")]
    assert runs[f"diffusion-mri {still_images}"] == "COMPLETED"
    assert [name.partition("-")[0] for name in tasks[-3:]] == ["images", "training", "results"]
    assert shown["progress-diffusion-mri"] == "progress" and shown["gains-diffusion-mri"] == "table"
    assert told_of["gains-diffusion-mri"].startswith("Errors below the noise of diffusion-mri")
    assert "# Diffusion prior" in card[0] and "data:image/png;base64,iVBOR" in card[0]
    plainly, by_flow, without_images = RunLedger(store).records()
    assert [run.state for run in (plainly, by_flow, without_images)] == ["done", "done", "refused"]
    assert by_flow.command == plainly.command


def test_a_deployment_names_images_from_its_file(tmp_path: Path) -> None:
    served = SERVED["train-diffusion"]
    given = {"images": ["chest/*.nii.gz", "p=a.npy"], "training": {"kind": "ct"}, "out": "made"}
    found = served.checked(served.load(), given, Origin(tmp_path, "serving.yaml", {}))
    assert found["images"] == [f"{tmp_path}/chest/*.nii.gz", f"p={tmp_path}/a.npy"]
    assert found["out"] == f"{tmp_path}/made"

"""Training a network for volumes as a Prefect flow: the plain command's weights, artifacts, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from proxflow.tasks.run_ledger import RunLedger

FORMS = ({"training": {"network": "unet3d", "steps": 0}},)
QUICK = ("--network", "unet3d", "--shape", "12,8,8", "--batch", "2", "--steps", "3")


@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    train_as_flow: Any, train: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    ran = train_as_flow("train-volumes", *QUICK, "--out", "flow", forms=FORMS)
    assert ran.stderr == ""
    assert ran.states == ["FAILED training.steps must be greater than or equal to 1, got 0"]
    told, plain = ran.told, train("train-volumes", *QUICK, "--out", "plain")
    assert told["psnr_db"] == plain["psnr_db"]
    by_flow, plainly = load_file(told["weights"]), load_file(plain["weights"])
    assert [name for name, tensor in plainly.items() if not torch.equal(tensor, by_flow[name])] == []
    assert ran.runs["volumes-unet3d"] == "COMPLETED"
    assert [name.partition("-")[0] for name in ran.tasks[-3:]] == ["scenes", "training", "results"]
    assert ran.shown["progress-volumes-unet3d"] == "progress"
    assert ran.shown["gains-volumes-unet3d"] == "table"
    card = ran.cards["card-volumes-unet3d"]
    assert "# UNet3d" in card and "data:image/png;base64,iVBOR" in card
    latest, first = RunLedger(store).records()
    assert (latest.state, first.state) == ("done", "done")
    assert latest.command == first.command

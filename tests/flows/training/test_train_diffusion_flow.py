"""Training a diffusion prior as a Prefect flow: the plain command's weights, artifacts, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxflow.flows.parameter_origin import Origin
from proxflow.flows.served_flows import SERVED
from proxflow.tasks.run_ledger import RunLedger

FORMS = ({}, {"training": {"kind": "ct", "side": 20}})
QUICK = ("--kind", "mri", "--side", "16", "--batch", "2", "--steps", "3", "--validate", "b")


@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    train: Any,
    train_as_flow: Any,
    still_images: Path,
    tmp_path: Path,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    request = ("train-diffusion", still_images, *QUICK)
    ran = train_as_flow(*request, "--out", "flow", forms=FORMS)
    assert ran.stderr == ""
    assert ran.states == [
        "FAILED images must be named, got none",
        "FAILED training.side must be a multiple of 8, got 20",
    ]
    told, plain = ran.told, train(*request, "--out", "plain")
    assert told["eps_mse"] == plain["eps_mse"]
    assert Path(told["weights"]).read_bytes() == Path(plain["weights"]).read_bytes()
    assert ran.runs[f"diffusion-mri {still_images}"] == "COMPLETED"
    assert [name.partition("-")[0] for name in ran.tasks[-3:]] == ["images", "training", "results"]
    assert ran.shown["progress-diffusion-mri"] == "progress" and ran.shown["gains-diffusion-mri"] == "table"
    assert ran.described["gains-diffusion-mri"].startswith("Errors below the noise of diffusion-mri")
    card = ran.cards["card-diffusion-mri"]
    assert "# Diffusion prior" in card and "data:image/png;base64,iVBOR" in card
    plainly, by_flow, without_images = RunLedger(store).records()
    assert [run.state for run in (plainly, by_flow, without_images)] == ["done", "done", "refused"]
    assert by_flow.command == plainly.command


def test_a_deployment_names_images_from_its_file(tmp_path: Path) -> None:
    served = SERVED["train-diffusion"]
    given = {"images": ["chest/*.nii.gz", "p=a.npy"], "training": {"kind": "ct"}, "out": "made"}
    found = served.checked(served.load(), given, Origin(tmp_path, "serving.yaml", {}))
    assert found["images"] == [f"{tmp_path}/chest/*.nii.gz", f"p={tmp_path}/a.npy"]
    assert found["out"] == f"{tmp_path}/made"

"""Training a denoiser as a Prefect flow: the plain command's weights, artifacts, refusals in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.configs.errors import RecipeError
from proxflow.flows.denoiser_plan import DENOISER
from proxflow.flows.form_schema import denoiser_numbers
from proxflow.flows.parameter_origin import anchored
from proxflow.tasks.run_ledger import RunLedger

FORMS = ({}, {"training": {"kind": "ct", "steps": 0}})
QUICK = ("--kind", "magnitude", "--sizes", "32", "--side", "16", "--batch", "2", "--steps", "3")


@pytest.mark.prefect
@pytest.mark.slow
def test_flow_gives_the_weights_of_the_command_and_shows_what_it_did(
    train: Any, train_as_flow: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    images = tmp_path / "images.npz"
    y, x = np.mgrid[:40, :36] - 18.0
    stack = np.array([(x - k) ** 2 + y**2 < 150 for k in range(6)], np.float32)
    np.savez(images, images=stack, subject=np.array(list("aabbcc")))
    ran = train_as_flow("train-denoiser", images, *QUICK, "--out", "flow", forms=FORMS)
    assert ran.stderr == ""
    assert ran.states == [
        "FAILED images must be named, got none",
        "FAILED training.steps must be greater than or equal to 1, got 0",
    ]
    told, plain = ran.told, train("train-denoiser", images, *QUICK, "--out", "plain")
    assert told["psnr_db"] == plain["psnr_db"]
    assert Path(told["weights"]).read_bytes() == Path(plain["weights"]).read_bytes()
    assert ran.runs[f"denoiser-magnitude {images}"] == "COMPLETED"
    assert [name.partition("-")[0] for name in ran.tasks[-3:]] == ["images", "training", "results"]
    assert ran.shown["progress-denoiser-magnitude"] == "progress"
    assert ran.shown["gains-denoiser-magnitude"] == "table"
    card = ran.cards["card-denoiser-magnitude"]
    assert "# DnCNN" in card and "data:image/png;base64,iVBOR" in card
    plainly, by_flow, _ = RunLedger(store).records()
    assert (plainly.state, by_flow.state) == ("done", "done")
    assert by_flow.origin.flow_run_name == f"denoiser-magnitude {images}"
    assert by_flow.command == plainly.command


def test_a_form_asks_for_every_number_and_says_its_limits() -> None:
    schema = denoiser_numbers()["properties"]
    assert schema["steps"]["default"] == 3000 and "at most 1e+07" in schema["steps"]["description"]
    assert all(part.get("description") for part in schema.values())
    plan = DENOISER.by_form({"images": ["a.nii"], "training": {"kind": "ct", "validate_on": ["p"]}})
    assert plan.command == "proxflow train-denoiser a.nii --kind ct --validate p"
    for form, sentence in (
        ({"training": {"steps": 5}}, "training.kind must be given"),
        ({"training": {"kind": "ct", "step": 5}}, "training.step is not a known key; did you mean steps?"),
        ({"training": 3}, "training must be a mapping"),
        ({"checkpoint_seconds": "often"}, "checkpoint_seconds must be a number of seconds, got 'often'"),
        ({"device": 3}, "device must be text, got 3"),
    ):
        with pytest.raises(RecipeError) as caught:
            DENOISER.by_form(form)
        assert str(caught.value).startswith(sentence)


def test_paths_of_a_deployment_count_from_its_file(tmp_path: Path) -> None:
    given = {"images": ["a.nii", "p7=chest/*.nii.gz", "b.h5::hu", "/c.npy"], "out": "made"}
    found = anchored(given, tmp_path, ("images", "out"))
    assert found["images"] == [
        f"{tmp_path}/a.nii",
        f"p7={tmp_path}/chest/*.nii.gz",
        f"{tmp_path}/b.h5::hu",
        "/c.npy",
    ]
    assert found["out"] == f"{tmp_path}/made"

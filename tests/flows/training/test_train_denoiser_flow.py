"""Training a denoiser as a Prefect flow: what its form asks, and paths of a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.flows.denoiser_plan import DENOISER
from proxflow.flows.form_schema import denoiser_numbers
from proxflow.flows.parameter_origin import anchored


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

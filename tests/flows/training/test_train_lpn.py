"""``proxflow train-lpn``: what it leaves, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.data.weights.lpn_weights import read_lpn_weights
from proxflow.flows.form_schema import lpn_numbers
from proxflow.flows.lpn_plan import LPN
from proxflow.tasks.run_ledger import RunLedger

QUICK = ("--side", "16", "--hidden", "4", "--batch", "2", "--validate", "b")


@pytest.fixture(autouse=True)
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)


def test_a_training_leaves_weights_a_card_and_pictures(
    proxflow: Any, still_images: Path, store: Path
) -> None:
    request = ("train-lpn", still_images, "--kind", "mri", *QUICK, "--sigma", "0.1", "--steps", "5")
    request += ("--licence", "CC BY 4.0")
    code, told, err = proxflow(*request, "--out", "d")
    assert code == 0, err
    (row,) = told["psnr_db"]
    assert row["noise"] == 0.1 and row["noisy"] == pytest.approx(20, abs=0.5) and 0 < row["matching"] <= 1
    assert told["steps_per_second"] > 0
    found = read_lpn_weights(Path(told["weights"]))
    assert found.settings is not None and found.trained is not None
    assert (found.settings["side"], found.settings["channels"], found.settings["hidden"]) == (16, 2, 4)
    assert (found.trained.low, found.trained.high, found.trained.sigma) == (-1.25, 1.25, 0.1)
    assert found.trained.licence == "CC BY 4.0"
    card = Path("d/card.md").read_text()
    command = (
        f"proxflow train-lpn {still_images} --kind mri --steps 5 --validate b --side 16 --hidden 4 --batch 2"
    )
    assert f"    {command} --sigma 0.1 --licence 'CC BY 4.0'\n" in card and "Licence: CC BY 4.0." in card
    assert Path("d/loss.svg").read_text().startswith("<svg")
    assert Path("d/examples.png").read_bytes().startswith(b"\x89PNG")
    (record,) = RunLedger(store).records()
    assert (record.state, record.recipe, record.methods) == ("done", "lpn-mri", ("lpn",))


def test_bad_requests_are_one_sentence_and_leave_nothing(proxflow: Any, still_images: Path) -> None:
    for arguments, sentence in (
        ((still_images, "--side", "60"), "--side must be a multiple of 8, got 60"),
        ((still_images, "--sigma", "0"), "--sigma must be greater than 0, got 0"),
        ((still_images, "--pretraining", "1.5"), "--pretraining must be less than or equal to 1, got 1.5"),
        ((still_images, "--beyond", "-0.1"), "--beyond must be greater than or equal to 0, got -0.1"),
        ((still_images, "--decay", "2"), "--decay must be less than or equal to 1, got 2"),
        ((still_images, "--alpha", "0.5"), "--alpha must be less than 0.5, got 0.5"),
        ((still_images, "--matching-rate", "0"), "--matching-rate must be greater than 0, got 0"),
        ((still_images, "--sizes", "8x"), "--sizes must be whole numbers separated by commas, got 8x"),
        ((still_images, "--validate", "z"), "--validate must name subjects of the images (a, b, c), got z"),
        ((still_images, "--validate", "a,b"), "images must show at least 8 slices to train on, got 4"),
        ((still_images, "--start", "none.pt"), "start must be an existing file of weights, got none.pt"),
        ((still_images, "--start", "lpn-ct", "--side", "16"), "start must be weights"),
    ):
        code, _, err = proxflow("train-lpn", *arguments, "--kind", "ct", "--out", "refused")
        assert code == 2 and sentence in err and "Traceback" not in err, err
        assert err.count("\n") == 1 and not Path("refused").exists()
    assert proxflow("train-lpn", still_images, "--kind", "pet")[0] == 2


def test_a_folder_of_another_training_is_refused(proxflow: Any, still_images: Path) -> None:
    request = ("train-lpn", still_images, "--kind", "ct", *QUICK, "--out", "d")
    assert proxflow(*request, "--steps", "1")[0] == 0
    before = Path("d/lpn.safetensors").read_bytes()
    code, _, err = proxflow(*request, "--steps", "2")
    assert code == 2 and "--out must be a new folder" in err
    assert Path("d/lpn.safetensors").read_bytes() == before


def test_a_form_asks_for_every_number_and_says_its_limits() -> None:
    schema = lpn_numbers()["properties"]
    assert (
        schema["sigma"]["default"] == 0.05 and "above 0, at most 1" in schema["sigma"]["description"].lower()
    )
    assert all(part.get("description") for part in schema.values())
    form = {"images": ["a.nii"], "training": {"kind": "mri", "sizes": [64, 96]}, "device": "cuda"}
    assert LPN.by_form(form).command == "proxflow train-lpn a.nii --kind mri --sizes 64,96 --device cuda"
    with pytest.raises(RecipeError, match=r"training\.hiden is not a known key; did you mean hidden\?"):
        LPN.by_form({"training": json.loads('{"kind": "ct", "hiden": 5}')})

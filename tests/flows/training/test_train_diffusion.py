"""``proxflow train-diffusion``: what it leaves, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.configs.errors import RecipeError
from proxflow.data.weights.diffusion_weights import read_diffusion_weights
from proxflow.flows.diffusion_plan import DIFFUSION
from proxflow.flows.form_schema import diffusion_numbers
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.tasks.diffusion_networks import open_diffusion_unet
from proxflow.tasks.diffusion_training import first_network, training
from proxflow.tasks.run_ledger import RunLedger

QUICK = ("--side", "16", "--batch", "2", "--validate", "b")
SMALLER = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,))


@pytest.fixture(autouse=True)
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(first_network, "SMALL", SMALLER)
    monkeypatch.setattr(training, "SAMPLING_STEPS", 2)


@pytest.mark.parametrize(("kind", "n"), [("ct", 1), ("mri", 2)])
def test_a_training_leaves_weights_a_card_and_samples(
    kind: str, n: int, proxflow: Any, still_images: Path, store: Path
) -> None:
    request = ("train-diffusion", still_images, "--kind", kind, *QUICK, "--steps", "3", "--out", "d")
    code, told, err = proxflow(*request)
    assert code == 0, err
    assert [row["t"] for row in told["eps_mse"]] == [50, 200, 400, 500, 600, 800]
    assert all(0 < row["wiener"] < 1.1 and 0 < row["network"] < 1.2 for row in told["eps_mse"])
    weights = Path(told["weights"])
    settings = read_diffusion_weights(weights).settings
    assert settings is not None
    assert (settings["image_size"], settings["in_channels"], settings["out_channels"]) == (16, n, n)
    assert open_diffusion_unet(weights).settings.multipliers == (1, 2)
    document, card = json.loads(Path("d/training.json").read_text()), Path("d/card.md").read_text()
    assert document["kept_apart"] == {"b": 4} and document["trained_on"] == {"a": 4, "c": 4}
    rows = told["eps_mse"][2:5]
    middle = document["middle"]
    assert middle["network"] == pytest.approx(sum(row["network"] for row in rows) / 3)
    assert middle["wiener"] == pytest.approx(sum(row["wiener"] for row in rows) / 3)
    assert middle["better"] is False and f"{middle['network']:.3g}, NOT below the" in card
    assert "over 4 slices kept apart" in card and "to be filled in" in card
    command = (
        f"proxflow train-diffusion {still_images} --kind {kind} --steps 3 --validate b --side 16 --batch 2"
    )
    assert f"    {command}\n" in card
    assert Path("d/loss.svg").read_text().startswith("<svg")
    assert Path("d/examples.png").read_bytes().startswith(b"\x89PNG")
    (record,) = RunLedger(store).records()
    assert (record.state, record.recipe, record.methods) == ("done", f"diffusion-{kind}", ("diffusion-unet",))


def test_a_person_is_told_errors_below_the_noise(
    still_images: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.flows.cli.main import main

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(SystemExit) as left:
        main(["train-diffusion", str(still_images), "--kind", "mri", *QUICK, "--steps", "1", "--out", "d"])
    told, err = capfd.readouterr()
    assert left.value.code == 0
    assert "Wiener dB" in told and "errors below the noise on subjects kept apart" in " ".join(told.split())
    assert "step 1/1: gain " in err and "PSNR" not in told + err


def test_bad_requests_are_one_sentence_and_leave_nothing(
    proxflow: Any, still_images: Path, tmp_path: Path
) -> None:
    nan = tmp_path / "nan.npy"
    np.save(nan, np.full((2, 20, 20), np.nan))
    for arguments, sentence in (
        ((still_images, "--side", "60"), "--side must be a multiple of 8, got 60"),
        ((still_images, "--channels", "48"), "--channels must be a multiple of 32, got 48"),
        ((still_images, "--steps", "0"), "--steps must be greater than or equal to 1, got 0"),
        ((still_images, "--average", "1"), "--average must be less than 1, got 1"),
        ((still_images, "--sizes", "8x"), "--sizes must be whole numbers separated by commas, got 8x"),
        ((still_images, "--validate", "z"), "--validate must name subjects of the images (a, b, c), got z"),
        ((still_images, "--validate", "a,b"), "images must show at least 8 slices to train on, got 4"),
        ((nan,), "nan.npy must hold finite numbers, got NaN or infinity"),
        ((tmp_path / "none.npy",), "images must be existing files"),
        ((still_images, "--start", "none.pt"), "start must be an existing file of weights, got none.pt"),
        ((still_images, "--device", "cuda:99"), "device"),
    ):
        code, _, err = proxflow("train-diffusion", *arguments, "--kind", "mri", "--out", "refused")
        assert code == 2 and sentence in err and "Traceback" not in err, err
        assert err.count("\n") == 1 and not Path("refused").exists()
    assert proxflow("train-diffusion", still_images, "--kind", "pet")[0] == 2


def test_another_kind_of_start_is_refused(proxflow: Any, still_images: Path) -> None:
    request = ("train-diffusion", still_images, *QUICK, "--steps", "1")
    code, first, err = proxflow(*request, "--kind", "mri", "--out", "a")
    assert code == 0, err
    code, _, err = proxflow(*request, "--kind", "mri", "--start", first["weights"], "--out", "b")
    assert code == 0, err
    assert "Begins with the weights diffusion.safetensors." in Path("b/card.md").read_text()
    code, _, err = proxflow(*request, "--kind", "ct", "--start", first["weights"], "--out", "c")
    assert code == 2 and "start must be weights of a network with in_channels: 1, got 2" in err
    assert not Path("c").exists()


def test_a_folder_of_another_training_is_refused(proxflow: Any, still_images: Path) -> None:
    request = ("train-diffusion", still_images, "--kind", "ct", *QUICK, "--out", "d")
    assert proxflow(*request, "--steps", "1")[0] == 0
    before = Path("d/diffusion.safetensors").read_bytes()
    code, _, err = proxflow(*request, "--steps", "2")
    assert code == 2 and "--out must be a new folder" in err
    assert Path("d/diffusion.safetensors").read_bytes() == before


def test_a_form_asks_for_every_number_and_says_its_limits() -> None:
    schema = diffusion_numbers()["properties"]
    assert schema["side"]["default"] == 64 and "a multiple of 8" in schema["side"]["description"]
    assert "multipleOf" not in schema["side"] and all(part.get("description") for part in schema.values())
    form = {"images": ["a.nii"], "training": {"kind": "mri", "sizes": [64, 96]}, "device": "cuda"}
    expected = "proxflow train-diffusion a.nii --kind mri --sizes 64,96 --device cuda"
    assert DIFFUSION.by_form(form).command == expected
    for wrong, sentence in (
        ({"training": {"steps": 5}}, "training.kind must be given"),
        ({"training": {"kind": "ct", "step": 5}}, "training.step is not a known key; did you mean steps?"),
        ({"training": {"kind": "ct", "side": 20}}, "training.side must be a multiple of 8, got 20"),
        ({"training": 3}, "training must be a mapping"),
    ):
        with pytest.raises(RecipeError) as caught:
            DIFFUSION.by_form(wrong)
        assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("instructions", "expected"), [("avx512_bf16", "bfloat16"), ("avx2", "float32")])
def test_precision_is_what_the_processor_has(
    instructions: str, expected: str, still_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, instructions: True})
    numbers = {"kind": "ct", "validate_on": ["b"]}
    plan = DIFFUSION.by_form({"images": [str(still_images)], "training": numbers})
    assert plan.prepare("cpu").config.precision == expected
    asked = {"images": [str(still_images)], "training": numbers | {"precision": "float32"}}
    assert DIFFUSION.by_form(asked).prepare("cuda:0").config.precision == "float32"

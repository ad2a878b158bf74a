"""``proxflow train-reconresnet``: what it leaves, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.flows.form_schema import reconresnet_numbers
from proxflow.flows.parameter_origin import Origin
from proxflow.flows.reconresnet_plan import RECONRESNET
from proxflow.flows.served_flows import SERVED
from proxflow.tasks.artefact_networks import artefact_network
from proxflow.tasks.run_ledger import RunLedger

QUICK = ("--side", "32", "--width", "4", "--validate", "b", "--patterns", "lines30,spokes30")


@pytest.fixture(autouse=True)
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("architecture", ["reconresnet", "unet"])
def test_a_training_leaves_weights_a_card_and_pictures(
    architecture: str, proxflow: Any, still_images: Path, store: Path
) -> None:
    asked = ("--architecture", architecture, *QUICK, "--steps", "3", "--out", "d")
    code, told, err = proxflow("train-reconresnet", still_images, *asked)
    assert code == 0, err
    assert [row["pattern"] for row in told["ssim"]] == ["lines30", "spokes30"]
    assert all(0 < row["zero_filled"] < 1 and -1 < row["consistent"] < 1 for row in told["ssim"])
    _, weights = artefact_network(Path(told["weights"]))
    assert weights.architecture == architecture and weights.settings is not None
    assert weights.settings["width"] == 4 and weights.training["subjects"] == ["a", "c"]
    document, card = json.loads(Path("d/training.json").read_text()), Path("d/card.md").read_text()
    assert document["kept_apart"] == {"b": 4} and document["trained_on"] == {"a": 4, "c": 4}
    assert document["scores"]["lines30"]["ssim"][0] == told["ssim"][0]["zero_filled"]
    command = (
        f"proxflow train-reconresnet {still_images} --architecture {architecture} "
        "--patterns lines30,spokes30 --steps 3 --validate b --side 32 --width 4"
    )
    assert f"    {command}\n" in card and "to be filled in" in card
    (record,) = RunLedger(store).records()
    assert (record.state, record.recipe, record.methods) == ("done", f"{architecture}-mri", (architecture,))


def test_a_person_is_told_ssim(
    still_images: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.flows.cli.main import main

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(SystemExit) as left:
        main(["train-reconresnet", str(still_images), *QUICK, "--steps", "1", "--out", "d"])
    told, _ = capfd.readouterr()
    assert left.value.code == 0
    assert "SSIM" in told and "lines30" in told and "PSNR on subjects kept apart" in told


def test_bad_requests_are_one_sentence_and_leave_nothing(proxflow: Any, still_images: Path) -> None:
    for arguments, sentence in (
        (("--side", "60"), "--side must be a multiple of 16, got 60"),
        (("--patterns", "lines7"), "--patterns must be"),
        (("--blocks", "65"), "--blocks must be less than or equal to 64, got 65"),
        (("--skips", "6"), "--skips must be less than or equal to 5, got 6"),
        (("--dropout", "1"), "--dropout must be less than 1, got 1"),
        (
            ("--patterns", "step4,lines10,step4"),
            "--patterns must name each pattern once, got step4 more than",
        ),
        (
            ("--architecture", "unet", "--blocks", "14"),
            "--blocks must be left out where architecture is unet",
        ),
        (("--architecture", "unet", "--dropout", "0.5"), "is unet, got 0.5"),
        (("--architecture", "unet", "--skips", "0"), "--skips must be left out where architecture is unet"),
        (("--seed", "2147483648"), "--seed must be less than 2147483648, got 2147483648"),
        (("--validate", "z"), "--validate must name subjects of the images (a, b, c), got z"),
        (("--validate", "a,b"), "images must show at least 8 slices to train on, got 4"),
        (("--start", "none.safetensors"), "start must be an existing file of weights"),
    ):
        code, _, err = proxflow("train-reconresnet", still_images, *arguments, "--out", "refused")
        assert code == 2 and sentence in err and "Traceback" not in err, err
        assert err.count("\n") == 1 and not Path("refused").exists()


def test_a_form_asks_for_every_number_and_says_its_limits(tmp_path: Path) -> None:
    schema = reconresnet_numbers()["properties"]
    assert "a multiple of 16" in schema["side"]["description"]
    assert all(part.get("description") for part in schema.values())
    form = {"images": ["a.nii"], "training": {"architecture": "unet", "patterns": ["lines10"]}}
    expected = "proxflow train-reconresnet a.nii --architecture unet --patterns lines10"
    assert RECONRESNET.by_form(form).command == expected
    for wrong, sentence in (
        ({"training": {"steps": 5}}, "training.architecture must be given"),
        ({"training": {"architecture": "unet", "block": 5}}, "training.block is not a known key"),
        ({"training": {"architecture": "unet", "patterns": []}}, "training.patterns must"),
    ):
        with pytest.raises(RecipeError) as caught:
            RECONRESNET.by_form(wrong)
        assert str(caught.value).startswith(sentence)
    served = SERVED["train-reconresnet"]
    given = {"images": ["heads/*.nii.gz"], "training": {"architecture": "unet"}, "out": "made"}
    found = served.checked(served.load(), given, Origin(tmp_path, "serving.yaml", {}))
    assert found["images"] == [f"{tmp_path}/heads/*.nii.gz"] and found["out"] == f"{tmp_path}/made"

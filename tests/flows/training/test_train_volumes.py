"""``proxflow train-volumes``: what it leaves, that it goes on bit for bit, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from proxflow.configs.errors import RecipeError
from proxflow.data.weights.volume_weights import read_volume_weights
from proxflow.flows.form_schema import volume_numbers
from proxflow.flows.volume_plan import VOLUMES
from proxflow.models.networks.unet3d import unet3d_of
from proxflow.tasks.run_ledger import RunLedger
from proxflow.tasks.volume_training import deep2s, volume_denoiser

QUICK = ("train-volumes", "--shape", "12,8,8", "--batch", "2")
UNET3D, DEEP2S = (*QUICK, "--network", "unet3d"), (*QUICK, "--network", "deep2s", "--frequencies", "2,3")


@pytest.fixture(autouse=True)
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    assert volume_denoiser.N_REPORTED >= 50 and deep2s.N_REPORTED >= 50
    for module in (volume_denoiser, deep2s):
        monkeypatch.setattr(module, "N_REPORTED", 2)
        monkeypatch.setattr(module, "N_JUDGED", 2)


def test_a_denoiser_of_volumes_leaves_weights_a_card_and_pictures(proxflow: Any, store: Path) -> None:
    code, told, err = proxflow(*UNET3D, "--steps", "4", "--out", "d")
    assert code == 0, err
    assert [row["level"] for row in told["psnr_db"]] == ["0.02", "0.06", "0.1", "0.14", "0.18"]
    found = read_volume_weights(Path(told["weights"]))
    assert (found.network, found.shape, found.sigma_high) == ("unet3d", (12, 8, 8), 0.2)
    assert unet3d_of(found.tensors).n_inputs == 2
    document, card = json.loads(Path("d/training.json").read_text()), Path("d/card.md").read_text()
    levels = document["reported"]["levels"]
    mse = sum(row["mse"] for row in levels) / len(levels)
    assert len(levels) == 10 and document["reported"]["mse"] == pytest.approx(mse)
    assert f"**{mse:.2e}**" in card and "over 2 whole scenes held out" in card and "1 357 505" in card
    assert "proxflow train-volumes --network unet3d --steps 4 --batch 2 --shape 12,8,8\n" in card
    assert Path("d/loss.svg").read_text().startswith("<svg")
    assert Path("d/examples.png").read_bytes().startswith(b"\x89PNG")
    (record,) = RunLedger(store).records()
    assert (record.state, record.recipe, record.methods) == ("done", "volumes-unet3d", ("unet3d",))


def test_deep2s_tells_the_array_and_the_empty_image(proxflow: Any) -> None:
    code, told, err = proxflow(*DEEP2S, "--steps", "2", "--out", "d")
    assert code == 0, err
    levels = [row["level"] for row in told["psnr_db"]]
    assert len(levels) == 6 and levels[0] == "2 frequencies, 10 dB" and levels[-1] == "3 frequencies, 30 dB"
    found = read_volume_weights(Path(told["weights"]))
    assert (found.network, found.frequencies, found.snr_db) == ("deep2s", (2, 3), (10.0, 30.0))
    card = Path("d/card.md").read_text()
    empty = json.loads(Path("d/training.json").read_text())["reported"]["empty_db"]
    assert f"an image of zeros has **{empty:.2f} dB**" in card and "1 356 641 parameters" in card


@pytest.mark.slow
def test_a_killed_training_goes_on_bit_for_bit(spawn: Any, train: Any) -> None:
    request = ("train-volumes", *UNET3D[1:], "--steps", "12", "--checkpoint-seconds", "0")
    process = spawn(*request, "--out", "killed")
    deadline = time.monotonic() + 120
    while not Path("killed/checkpoint.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    train((*request, "--out", "killed"), (*request, "--out", "whole"))
    tensors, expected = (load_file(Path(folder, "unet3d.safetensors")) for folder in ("killed", "whole"))
    assert tensors.keys() == expected.keys()
    assert [name for name, tensor in tensors.items() if not torch.equal(tensor, expected[name])] == []


def test_bad_numbers_are_one_sentence_and_leave_nothing(proxflow: Any) -> None:
    for arguments, sentence in (
        (("--steps", "0"), "--steps must be greater than or equal to 1, got 0"),
        (("--seed", "4000"), "--seed must be less than or equal to 3999, got 4000"),
        (("--shape", "49,25"), "--shape"),
        (("--shape", "49,25,3"), "--shape must be greater than or equal to 4, got 3"),
        (("--shape", "a"), "--shape must be whole numbers separated by commas, got a"),
        (("--snr", "30,10"), "--snr must be two numbers of dB within -50 to 100, the least first"),
        (("--snr", "x"), "--snr must be numbers separated by commas, got x"),
        (("--frequencies", "1"), "--frequencies must be greater than or equal to 2, got 1"),
        (("--sigma-high", "0"), "--sigma-high must be greater than 0, got 0"),
        (
            ("--side", "8", "--precision", "bfloat16"),
            "the training must have precision float32 or volumes of 12 voxels or more along z",
        ),
        (("--device", "cuda:99"), "device"),
    ):
        code, _, err = proxflow("train-volumes", "--network", "unet3d", *arguments, "--out", "refused")
        assert code == 2 and sentence in err and "Traceback" not in err, err
        assert not Path("refused").exists()
    assert proxflow("train-volumes", "--network", "unet")[0] == 2


def test_a_training_begins_with_the_weights_of_another(proxflow: Any) -> None:
    code, first, err = proxflow(*UNET3D, "--steps", "2", "--out", "a")
    assert code == 0, err
    still = ("--steps", "1", "--learning-rate", "1e-12", "--frozen", "1", "--start", first["weights"])
    code, second, err = proxflow(*UNET3D, *still, "--out", "b")
    assert code == 0, err
    before, after = load_file(first["weights"]), load_file(second["weights"])
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=1e-6)
    assert "Begins with the weights unet3d.safetensors." in Path("b/card.md").read_text()
    for wrong, sentence in (
        ("none.safetensors", "start must be an existing file"),
        (first["weights"], "deep2s"),
    ):
        code, _, err = proxflow(*DEEP2S, "--steps", "1", "--start", wrong, "--out", "c")
        assert code == 2 and sentence in err and not Path("c").exists(), err


def test_a_folder_of_another_training_is_refused(proxflow: Any) -> None:
    assert proxflow(*UNET3D, "--steps", "1", "--out", "d")[0] == 0
    before = Path("d/unet3d.safetensors").read_bytes()
    code, _, err = proxflow(*UNET3D, "--steps", "2", "--out", "d")
    assert code == 2 and "--out must be a new folder" in err
    assert Path("d/unet3d.safetensors").read_bytes() == before


def test_a_form_asks_for_every_number_and_says_its_limits() -> None:
    schema = volume_numbers()["properties"]
    assert schema["steps"]["default"] == 15_000 and "at most 1e+06" in schema["steps"]["description"]
    assert all(part.get("description") for part in schema.values())
    plan = VOLUMES.by_form({"training": {"network": "deep2s", "snr_db": [0, 20]}, "device": "cuda"})
    assert plan.command == "proxflow train-volumes --network deep2s --snr 0.0,20.0 --device cuda"
    for form, sentence in (
        ({"training": {"steps": 5}}, "training.network must be given"),
        (
            {"training": {"network": "unet3d", "step": 5}},
            "training.step is not a known key; did you mean steps?",
        ),
        (
            {"training": {"network": "unet3d", "side": 8, "precision": "bfloat16"}},
            "training must have precision float32 or volumes",
        ),
        ({"training": 3}, "training must be a mapping"),
        ({"checkpoint_seconds": "often"}, "checkpoint_seconds must be a number of seconds, got 'often'"),
    ):
        with pytest.raises(RecipeError) as caught:
            VOLUMES.by_form(form)
        assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("instructions", "side", "expected"),
    [("avx512_bf16", 16, "bfloat16"), ("avx512_bf16", 8, "float32"), ("avx2", 16, "float32")],
)
def test_precision_is_what_the_processor_has(
    instructions: str, side: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, instructions: True})
    plan = VOLUMES.by_form({"training": {"network": "unet3d", "side": side}})
    assert plan.prepare("cpu").config.precision == expected
    assert plan.prepare("cuda:0").config.precision == ("bfloat16" if side == 16 else "float32")
    asked = VOLUMES.by_form({"training": {"network": "unet3d", "precision": "float32"}})
    assert asked.prepare("cuda:0").config.precision == "float32"

"""``proxflow train-denoiser``: what it leaves, that it goes on bit for bit, and what it refuses."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from proxflow.data.weights.network_weights import read_weights
from proxflow.tasks.run_ledger import RunLedger

QUICK = ("--kind", "magnitude", "--sizes", "32", "--side", "16", "--batch", "2")


@pytest.fixture(autouse=True)
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three subjects with two slices each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :36] - 18.0
    stack = [(x - k) ** 2 / (1 + k / 9) + y**2 < 150 for k in range(6)]
    path = tmp_path / "images.npz"
    np.savez(path, images=100 * np.array(stack) + rng.random((6, 40, 36)), subject=np.array(list("aabbcc")))
    return path


def test_a_training_leaves_weights_a_card_and_pictures(proxflow: Any, images: Path) -> None:
    request = ("train-denoiser", images, *QUICK, "--steps", "30", "--validate", "b", "--out", "d")
    code, told, err = proxflow(*request)
    assert code == 0, err
    folder = Path(told["run_dir"])
    assert len(told["psnr_db"]) == 5 and told["psnr_db"][0]["noise"] == 0.005
    assert read_weights(Path(told["weights"])).predicts == "noise"
    document = json.loads((folder / "training.json").read_text())
    assert document["kept_apart"] == {"b": 2} and document["trained_on"] == {"a": 2, "c": 2}
    card = (folder / "card.md").read_text()
    assert "--validate b" in card and "| 0.02 |" in card and "to be filled in" in card
    assert (folder / "loss.svg").read_text().startswith("<svg") and "step" in (folder / "log.txt").read_text()
    assert (folder / "examples.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_killed_training_goes_on_bit_for_bit(spawn: Any, proxflow: Any, images: Path) -> None:
    request = ("train-denoiser", images, *QUICK, "--steps", "60", "--checkpoint-seconds", "0")
    code, _, err = proxflow(*request, "--out", "whole")
    assert code == 0, err
    process = spawn(*request, "--out", "killed")
    checkpoint = Path("killed/checkpoint.safetensors")
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    code, _, err = proxflow(*request, "--out", "killed")
    assert code == 0, err
    assert Path("killed/denoiser.safetensors").read_bytes() == Path("whole/denoiser.safetensors").read_bytes()


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_told_to_stop_it_leaves_a_checkpoint_and_says_how_to_go_on(
    spawn: Any, images: Path, store: Path
) -> None:
    """By SIGTERM, and gone on as it said, by Ctrl-C."""
    process = spawn("train-denoiser", images, *QUICK, "--steps", "100000", "--checkpoint-seconds", "3")
    until(lambda: bool(list(Path("runs").glob("*/checkpoint.safetensors"))), process)
    kept = _step(next(Path("runs").iterdir()))
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    how = way_on(process, 143, "terminated")
    (folder,) = Path("runs").iterdir()
    step = _step(folder)
    assert step > kept
    assert how.startswith("proxflow train-denoiser ") and how.endswith(f" --out {folder}")
    (record,) = RunLedger(store).records()
    assert (record.state, record.folder) == ("interrupted", str(folder.resolve()))
    again = spawn(*shlex.split(how)[1:], "--checkpoint-seconds", "0")
    until(lambda: _step(folder) > step, again)
    again.send_signal(signal.SIGINT)
    assert way_on(again, 130, "interrupted").startswith("proxflow train-denoiser ")


def way_on(process: subprocess.Popen[str], code: int, word: str) -> str:
    """The command that a process which was told to stop says to go on with."""
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    said = f"proxflow: {word}; go on with "
    last: str = err.strip().splitlines()[-1]
    assert last.startswith(said), err
    return last.removeprefix(said)


def _step(folder: Path) -> int:
    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        return int(json.loads(file.metadata()["training"])["step"])


def test_every_end_is_in_the_ledger(proxflow: Any, images: Path, store: Path) -> None:
    code, told, err = proxflow("train-denoiser", images, *QUICK, "--steps", "1", "--out", "d")
    assert code == 0, err
    assert proxflow("train-denoiser", images, *QUICK, "--validate", "z")[0] == 2
    _, listed, _ = proxflow("runs", "--store", store)
    refused, done = listed["runs"]
    assert (done["state"], done["recipe"], done["methods"]) == ("done", "denoiser-magnitude", ["dncnn"])
    assert done["folder"] == told["run_dir"] and Path(done["report"]).name == "card.md"
    assert refused["state"] == "refused" and "--validate must name subjects" in refused["error"]
    assert "--out d" not in done["command"] and "--steps 1" in done["command"]
    log = [json.loads(line) for line in Path("d/log.jsonl").read_text().splitlines()]
    assert {line["run"] for line in log} == {done["id"]}


def test_bad_requests_are_one_sentence_and_leave_nothing(proxflow: Any, images: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (
            (images, "--kind", "magnitude", "--validate", "z"),
            "--validate must name subjects of the images (a, b, c), got z",
        ),
        (
            (images, "--kind", "magnitude", "--steps", "0"),
            "--steps must be greater than or equal to 1, got 0",
        ),
        ((images, "--kind", "magnitude", "--sizes", "64,8"), "--sizes must be greater than or equal to 16"),
        ((images, "--kind", "magnitude", "--sizes", "12x"), "--sizes must be whole numbers"),
        (
            (images, "--kind", "magnitude", "--start", "none.pt"),
            "denoiser must be an existing file of weights",
        ),
        ((f"{images}::none", "--kind", "magnitude"), "images.npz must hold the key none"),
        ((tmp_path / "none.npy", "--kind", "ct"), "images must be existing files"),
        ((tmp_path / "no*.npy", "--kind", "ct"), "images must match existing files, got none for "),
    ):
        code, _, err = proxflow("train-denoiser", *arguments, "--out", "refused")
        assert code == 2 and words in err and "Traceback" not in err, err
        assert not Path("refused").exists()


def test_a_folder_of_another_training_is_refused(proxflow: Any, images: Path) -> None:
    assert proxflow("train-denoiser", images, *QUICK, "--steps", "1", "--out", "d")[0] == 0
    before = Path("d/denoiser.safetensors").read_bytes()
    code, _, err = proxflow("train-denoiser", images, *QUICK, "--steps", "2", "--out", "d")
    assert code == 2 and "--out must be a new folder" in err
    assert Path("d/denoiser.safetensors").read_bytes() == before

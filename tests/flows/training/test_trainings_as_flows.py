"""Every training as a Prefect flow: the plain command's result, artifacts, refusals in our words.

All run one after another in one process under one embedded server, whose start takes longer than they do.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from proxflow.tasks.run_ledger import RunLedger

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(600)]

FORMS: dict[str, Sequence[dict[str, Any]]] = {
    "train-denoiser": ({}, {"training": {"kind": "ct", "steps": 0}}),
    "train-volumes": ({"training": {"network": "unet3d", "steps": 0}},),
    "train-diffusion": ({}, {"training": {"kind": "ct", "side": 20}}),
    "train-lpn": ({}, {"training": {"kind": "ct", "hidden": 0}}),
    "train-reconresnet": ({}, {"training": {"architecture": "unet", "side": 20}}),
    "train": ({"methods": ["fbp"]}, {"seeds": "three"}, {"recipe": "nothing"}),
}
QUICK = {
    "train-denoiser": "images.npz --kind magnitude --sizes 32 --side 16 --batch 2 --steps 3",
    "train-volumes": "--network unet3d --shape 12,8,8 --batch 2 --steps 3",
    "train-diffusion": "images.npz --kind mri --side 16 --batch 2 --steps 3 --validate b",
    "train-lpn": "images.npz --kind mri --side 16 --hidden 4 --batch 2 --steps 6 --validate b",
    "train-reconresnet": "images.npz --side 32 --width 4 --patterns lines30 --steps 3 --validate b",
    "train": "small.yaml --methods tv --seeds 1",
}
RECIPE = """name: small
scan: {path: 'sample://brain-13coil'}
prepare:
  - {kind: crop, matrix: [112, 96]}
  - {kind: compress_coils, n_coils: 4}
  - {kind: undersample, acceleration: 3, acs: [20, 16], seed: 1}
reconstruct: {method: tv, n_iter: 12, tol: 0, lam: 0.003}
runtime: {device: cpu}
"""
TRAININGS = """
import importlib, json, os, sys
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from proxflow.flows.cli.main import main
for tokens, store, forms in json.loads(sys.argv[1]):
    os.environ["PROXFLOW_STORE"] = store
    name = tokens[0].replace("-", "_")
    for form in forms:
        flow = getattr(importlib.import_module(f"proxflow.flows.{name}"), name)
        state = flow(**form, return_state=True)
        print("STATE", tokens[0], state.type.value, state.message)
    try:
        main(tokens)
    except SystemExit as left:
        if left.code:
            raise
"""


class Ran(NamedTuple):
    """What trainings said, by command, and what Prefect's database has of those that ran as flows.

    states: type and message of each form that was tried.  told, plainly: the closing object of ``--json`` of
    the flow and of the plain command.  runs: state by name of flow run.  shown, described: type and
    description by key of artifact.  cards: content of those called so.  tasks: names in their order, by name
    of flow run.
    """

    stores: dict[str, Path]
    states: dict[str, list[str]]
    told: dict[str, dict[str, Any]]
    plainly: dict[str, dict[str, Any]]
    stderr: str
    runs: dict[str, str]
    shown: dict[str, str]
    described: dict[str, str]
    cards: dict[str, str]
    tasks: dict[str, list[str]]


@pytest.fixture
def ran(
    tmp_path_factory: pytest.TempPathFactory, prefect_home_at: Callable[[Path], Path], all_smaller: str
) -> Ran:
    folder = tmp_path_factory.mktemp("trainings")
    prefect_home_at(folder / "prefect")
    (folder / "small.yaml").write_text(RECIPE)
    y, x = np.mgrid[:40, :36] - 18.0
    stack = np.array([(x - k / 2) ** 2 + y**2 < 150 for k in range(12)], np.float32)
    np.savez(folder / "images.npz", images=stack, subject=np.array(list("aaaabbbbcccc")))
    lines, stderr = trained(folder, all_smaller, "flow", ("--prefect",), FORMS)
    states: dict[str, list[str]] = {command: [] for command in FORMS}
    for line in lines:
        if line.startswith("STATE "):
            _, command, state = line.split(" ", 2)
            states[command].append(state)
    plain, _ = trained(folder, all_smaller, "plain", (), dict.fromkeys(FORMS, ()))
    with sqlite3.connect(folder / "prefect" / "prefect.db") as database:
        tasks: dict[str, list[str]] = {}
        for run, task in database.execute(
            "select flow_run.name, task_run.name from task_run join flow_run "
            "on flow_run.id = task_run.flow_run_id order by task_run.start_time"
        ):
            tasks.setdefault(run, []).append(task)
        return Ran(
            {command: folder / f"store-{command}" for command in FORMS},
            states,
            closing(lines),
            closing(plain),
            stderr,
            dict(database.execute("select name, state_type from flow_run")),
            dict(database.execute("select key, type from artifact")),
            dict(database.execute("select key, description from artifact")),
            dict(database.execute("select key, data from artifact where key like 'card-%'")),
            tasks,
        )


def trained(
    folder: Path,
    all_smaller: str,
    how: str,
    more: Sequence[str],
    forms: Mapping[str, Sequence[dict[str, Any]]],
) -> tuple[list[str], str]:
    """Lines of output, and standard error, of all trainings one after another in a process of their own."""
    asked = [
        (
            [command, *QUICK[command].split(), "--out", f"{how}-{command}", *more, "--json"],
            str(folder / (f"store-{command}" if command != "train" else f"store-train-{how}")),
            forms[command],
        )
        for command in FORMS
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    environment |= {"PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", all_smaller + TRAININGS, json.dumps(asked)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines(), ended.stderr


def closing(lines: list[str]) -> dict[str, dict[str, Any]]:
    """What ``--json`` told of each training."""
    return dict(zip(FORMS, (json.loads(line) for line in lines if line.startswith("{")), strict=True))


def test_every_training_as_a_flow_gives_the_result_of_its_command(ran: Ran) -> None:
    """One test: several would be shared out among workers, each of which would run all trainings."""
    check_nothing_is_said_beside_and_every_form_was_refused(ran)
    check_a_denoiser(ran)
    check_a_network_for_volumes(ran)
    check_a_diffusion_prior(ran)
    check_a_learned_prox(ran)
    check_a_network_against_artefacts(ran)
    check_numbers_of_a_recipe(ran)


def check_nothing_is_said_beside_and_every_form_was_refused(ran: Ran) -> None:
    assert ran.stderr == ""
    done = {name for name, state in ran.runs.items() if state == "COMPLETED"}
    assert done == {
        "denoiser-magnitude images.npz",
        "volumes-unet3d",
        "diffusion-mri images.npz",
        "lpn-mri images.npz",
        "reconresnet-mri images.npz",
        "small train tv",
    }


def check_a_denoiser(ran: Ran) -> None:
    assert ran.states["train-denoiser"] == [
        "FAILED images must be named, got none",
        "FAILED training.steps must be greater than or equal to 1, got 0",
    ]
    told, plain = ran.told["train-denoiser"], ran.plainly["train-denoiser"]
    assert told["psnr_db"] == plain["psnr_db"]
    assert weights(told).read_bytes() == weights(plain).read_bytes()
    name = "denoiser-magnitude images.npz"
    assert parts(ran.tasks[name]) == ["images", "training", "results"]
    assert ran.shown["progress-denoiser-magnitude"] == "progress"
    assert ran.shown["gains-denoiser-magnitude"] == "table"
    card = ran.cards["card-denoiser-magnitude"]
    assert "# DnCNN" in card and "data:image/png;base64,iVBOR" in card
    plainly, by_flow, _ = RunLedger(ran.stores["train-denoiser"]).records()
    assert (plainly.state, by_flow.state) == ("done", "done")
    assert by_flow.origin.flow_run_name == name
    assert by_flow.command == plainly.command


def check_a_network_for_volumes(ran: Ran) -> None:
    assert ran.states["train-volumes"] == ["FAILED training.steps must be greater than or equal to 1, got 0"]
    told, plain = ran.told["train-volumes"], ran.plainly["train-volumes"]
    assert told["psnr_db"] == plain["psnr_db"]
    by_flow, plainly = load_file(weights(told)), load_file(weights(plain))
    assert by_flow.keys() == plainly.keys()
    assert [name for name, tensor in plainly.items() if not torch.equal(tensor, by_flow[name])] == []
    assert parts(ran.tasks["volumes-unet3d"]) == ["scenes", "training", "results"]
    assert ran.shown["progress-volumes-unet3d"] == "progress"
    assert ran.shown["gains-volumes-unet3d"] == "table"
    card = ran.cards["card-volumes-unet3d"]
    assert "# UNet3d" in card and "data:image/png;base64,iVBOR" in card
    latest, first = RunLedger(ran.stores["train-volumes"]).records()
    assert (latest.state, first.state) == ("done", "done")
    assert latest.command == first.command


def check_a_diffusion_prior(ran: Ran) -> None:
    assert ran.states["train-diffusion"] == [
        "FAILED images must be named, got none",
        "FAILED training.side must be a multiple of 8, got 20",
    ]
    told, plain = ran.told["train-diffusion"], ran.plainly["train-diffusion"]
    assert told["eps_mse"] == plain["eps_mse"]
    assert weights(told).read_bytes() == weights(plain).read_bytes()
    assert parts(ran.tasks["diffusion-mri images.npz"]) == ["images", "training", "results"]
    assert ran.shown["progress-diffusion-mri"] == "progress" and ran.shown["gains-diffusion-mri"] == "table"
    assert ran.described["gains-diffusion-mri"].startswith("Errors below the noise of diffusion-mri")
    card = ran.cards["card-diffusion-mri"]
    assert "# Diffusion prior" in card and "data:image/png;base64,iVBOR" in card
    plainly, by_flow, without_images = RunLedger(ran.stores["train-diffusion"]).records()
    assert [run.state for run in (plainly, by_flow, without_images)] == ["done", "done", "refused"]
    assert by_flow.command == plainly.command


def check_a_learned_prox(ran: Ran) -> None:
    assert ran.states["train-lpn"] == [
        "FAILED images must be named, got none",
        "FAILED training.hidden must be greater than or equal to 1, got 0",
    ]
    told, plain = ran.told["train-lpn"], ran.plainly["train-lpn"]
    assert told["psnr_db"] == plain["psnr_db"]
    assert weights(told).read_bytes() == weights(plain).read_bytes()
    assert parts(ran.tasks["lpn-mri images.npz"]) == ["images", "training", "results"]
    assert ran.shown["progress-lpn-mri"] == "progress" and ran.shown["gains-lpn-mri"] == "table"
    card = ran.cards["card-lpn-mri"]
    assert "# Learned proximal network" in card and "data:image/png;base64,iVBOR" in card


def check_a_network_against_artefacts(ran: Ran) -> None:
    assert ran.states["train-reconresnet"] == [
        "FAILED images must be named, got none",
        "FAILED training.side must be a multiple of 16, got 20",
    ]
    told, plain = ran.told["train-reconresnet"], ran.plainly["train-reconresnet"]
    assert told["ssim"] == plain["ssim"]
    assert weights(told).read_bytes() == weights(plain).read_bytes()
    assert ran.shown["gains-reconresnet-mri"] == "table"
    card = ran.cards["card-reconresnet-mri"]
    assert "# ReconResNet" in card and "data:image/png;base64,iVBOR" in card


def check_numbers_of_a_recipe(ran: Ran) -> None:
    states, told, plain = ran.states["train"], ran.told["train"], ran.plainly["train"]
    assert states[0].startswith("FAILED methods must have numbers that training may choose, got fbp; for ")
    assert states[1] == "FAILED seeds must be a whole number from 1 to 100, got 'three'"
    assert states[2].startswith("FAILED recipe must be an existing file or a ready recipe, got 'nothing'")
    assert plain["cached"] == 0
    assert told["methods"] == plain["methods"]
    assert ran.shown["numbers-small"] == "table"
    assert ran.shown["training-page-small"] == "markdown"
    assert ran.shown["progress-training-small"] == "progress"
    tasks = ran.tasks["small train tv"]
    assert len(tasks) == told["stages"]
    assert "hold_out:tv lam=0.003 brain-13coil seed 0" in tasks


def weights(told: dict[str, Any]) -> Path:
    return Path(told["weights"])


def parts(tasks: list[str]) -> list[str]:
    """Names of task runs without what Prefect adds to tell them apart."""
    return [name.partition("-")[0] for name in tasks]

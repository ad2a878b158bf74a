"""Trainings of networks in processes of their own, made small: few scenes to judge by, a small network."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Script = Callable[..., subprocess.CompletedProcess[str]]

SMALLER = {
    "train-volumes": """
from proxflow.tasks.volume_training import volume_denoiser
volume_denoiser.N_JUDGED = volume_denoiser.N_REPORTED = 2
""",
    "train-diffusion": """
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.tasks.diffusion_training import first_network, training
first_network.SMALL = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,))
training.SAMPLING_STEPS = 2
""",
}
COMMAND = """
from proxflow.flows.cli.main import main
main()
"""
AS_FLOW = """
import importlib, json, sys
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from proxflow.flows.cli.main import main
forms, command = json.loads(sys.argv[1]), sys.argv[2]
name = command.replace("-", "_")
flow = getattr(importlib.import_module(f"proxflow.flows.{name}"), name)
for form in forms:
    state = flow(**form, return_state=True)
    print("STATE", state.type.value, state.message)
main([*sys.argv[2:], "--prefect", "--json"])
"""


class FlowRun(NamedTuple):
    """What a training said that ran as a flow, and what Prefect's database has of it.

    states: type and message of each form that was tried before.  told: the closing object of ``--json``.
    runs: state by name of flow run.  shown, described: type and description by key of artifact.  cards:
    content of those called so.  tasks: names, in their order.
    """

    states: list[str]
    told: dict[str, Any]
    stderr: str
    runs: dict[str, str]
    shown: dict[str, str]
    described: dict[str, str]
    cards: dict[str, str]
    tasks: list[str]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that is started: sums are rounded by the number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def smaller() -> Callable[[str], str]:
    """``smaller(command)``: Python source of the command, made small."""
    return lambda command: SMALLER.get(command, "") + COMMAND


@pytest.fixture
def train(flow_script: Script, smaller: Any) -> Callable[..., dict[str, Any]]:
    """``train(command, *tokens)``: the closing object of ``proxflow command tokens --json``. Not in this
    process, of whose threads other tests have changed the number."""

    def run(*tokens: object) -> dict[str, Any]:
        ended = flow_script(smaller(tokens[0]), *tokens, "--json")
        assert ended.returncode == 0, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return told

    return run


@pytest.fixture
def train_as_flow(flow_script: Script, tmp_path: Path) -> Callable[..., FlowRun]:
    """``train_as_flow(command, *tokens, forms=...)``: ``proxflow command tokens --prefect``, after the same
    flow was asked by each of ``forms``."""

    def run(*tokens: object, forms: Sequence[dict[str, Any]]) -> FlowRun:
        ended = flow_script(SMALLER.get(str(tokens[0]), "") + AS_FLOW, json.dumps(forms), *tokens)
        assert ended.returncode == 0, ended.stderr
        lines = ended.stdout.splitlines()
        states = [line.removeprefix("STATE ") for line in lines if line.startswith("STATE ")]
        with sqlite3.connect(tmp_path / "prefect" / "prefect.db") as database:
            runs = dict(database.execute("select name, state_type from flow_run"))
            shown = dict(database.execute("select key, type from artifact"))
            described = dict(database.execute("select key, description from artifact"))
            cards = dict(database.execute("select key, data from artifact where key like 'card-%'"))
            tasks = [row[0] for row in database.execute("select name from task_run order by start_time")]
        return FlowRun(states, json.loads(lines[-1]), ended.stderr, runs, shown, described, cards, tasks)

    return run


@pytest.fixture
def still_images(tmp_path: Path) -> Path:
    """Twelve slices of three subjects."""
    import numpy as np

    rng = np.random.default_rng(0)
    y, x = np.mgrid[:30, :26] - 12.0
    discs = [(x - k / 3) ** 2 + y**2 < 60 + 5 * k for k in range(12)]
    path = tmp_path / "images.npz"
    stack = 100 * np.array(discs) + rng.random((12, 30, 26))
    np.savez(path, images=stack, subject=np.array(list("aaaabbbbcccc")))
    return path

"""Trainings of networks in processes of their own, made small: few scenes to judge by, a small network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

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
    "train-lpn": "",  # its options make it small
    "train-reconresnet": """
from proxflow.tasks.reconresnet_training import training as reconresnet_training
reconresnet_training.MOST_JUDGED = 2
""",
}
ONE_AFTER_ANOTHER = """
import json, sys
from proxflow.flows.cli.main import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as left:
        if left.code:
            raise
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that is started: sums are rounded by the number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def all_smaller() -> str:
    """Python source that makes every training small."""
    return "".join(SMALLER.values())


@pytest.fixture
def train(flow_script: Script) -> Callable[..., None]:
    """``train(*requests)``: ``proxflow`` with the words of each, one command, one after another in a process
    of its own, whose start takes longer than a small training. Not in this process, of whose threads other
    tests have changed the number."""

    def run(*requests: Sequence[object]) -> None:
        words = [[*map(str, request), "--json"] for request in requests]
        ended = flow_script(SMALLER[words[0][0]] + ONE_AFTER_ANOTHER, json.dumps(words))
        assert ended.returncode == 0, ended.stderr

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

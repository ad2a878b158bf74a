"""SIGKILL at any moment: nothing half made is ever taken for whole, and the run goes on where it was."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_killed_and_run_again_gives_the_same_bits(
    start: Any, run: Any, recipe: Path, store: Path, whole: Any, artefacts: Any, until: Any, number: int
) -> None:
    """The n-th stage begins, a random part of its time passes, the process is killed; all stages in turn, and
    the writing of the run folder after them."""
    seconds = [stage["seconds"] for stage in whole.document["stages"]] + [0.05]
    labels = [stage["name"] for stage in whole.document["stages"]]
    stage = number % len(seconds)
    running = start("run", recipe, "--out", "result")
    until(lambda: (store / "artefacts").exists() and len(artefacts(store)) >= stage, running)
    time.sleep(random.Random(number).random() * seconds[stage])
    running.signal(signal.SIGKILL)
    killed = running.ended()
    made = len(artefacts(store))
    assert killed.code == -signal.SIGKILL or made == len(labels)
    assert_whole_or_absent(store.with_name("result") / "image.h5", whole)
    print("killed in", [*labels, "the run folder"][made])  # pytest -rP shows it

    again = run(recipe, "--out", "result")
    assert again.code == 0, again.err
    assert again.computed == labels[made:]
    assert "damaged" not in again.err
    np.testing.assert_array_equal(again.image(), whole.image())
    assert again.document["metrics"] == whole.document["metrics"]


def assert_whole_or_absent(image: Path, whole: Any) -> None:
    if image.exists():
        with h5py.File(image) as file:
            np.testing.assert_array_equal(file["image"][()], whole.image())

"""SIGKILL at any moment: nothing half made is ever taken for whole, and the run goes on where it was."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

KILLS = 20


@pytest.mark.slow
def test_killed_at_twenty_moments_and_run_again_gives_the_same_bits(
    start: Any,
    run: Any,
    write_recipe: Any,
    whole: Any,
    chance: random.Random,
    tmp_path: Path,
    artefacts: Any,
    until: Any,
    record_property: Any,
) -> None:
    """Each kill in a store of its own: when the n-th stage has begun, and a random part of it has passed."""
    seconds = [stage["seconds"] for stage in whole.document["stages"]]
    labels = [stage["name"] for stage in whole.document["stages"]]
    hits: dict[str, int] = {}
    for number in range(KILLS):
        store = tmp_path / f"store-{number}"
        recipe = write_recipe(store, name=f"recipe-{number}.yaml")
        stage = number % (len(labels) + 1)  # the last: the run folder is written
        running = start("run", recipe, "--out", tmp_path / f"run-{number}")
        until(lambda: len(artefacts(store)) >= stage and (store / "artefacts").exists(), running)
        time.sleep(chance.random() * (seconds[stage] if stage < len(labels) else 0.05))
        running.signal(signal.SIGKILL)
        killed = running.ended()
        made = len(artefacts(store))
        assert killed.code == -signal.SIGKILL or made == len(labels)
        assert_whole_or_absent(tmp_path / f"run-{number}" / "image.h5", whole)
        again = run(recipe, "--out", tmp_path / f"run-{number}")
        assert again.code == 0, again.err
        assert again.computed == labels[made:]
        assert "damaged" not in again.err
        np.testing.assert_array_equal(again.image(), whole.image())
        assert again.document["metrics"] == whole.document["metrics"]
        where = labels[made] if made < len(labels) else "run folder"
        hits[where] = hits.get(where, 0) + 1
    record_property("killed in", hits)
    assert len(hits) >= len(labels)  # all over the run


def assert_whole_or_absent(image: Path, whole: Any) -> None:
    if image.exists():
        with h5py.File(image) as file:
            np.testing.assert_array_equal(file["image"][()], whole.image())

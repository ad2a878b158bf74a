"""Several runs that want the same artefacts: one computes, the others wait, and none waits for the dead."""

from __future__ import annotations

import errno
import fcntl
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.eviction import entries, evict
from proxflow.data.store.store import ArtefactStore

AT_ONCE = 8
KEY = "ab" + "0" * 38


@pytest.mark.slow
def test_eight_runs_at_once_compute_each_stage_once(start: Any, recipe: Path, whole: Any) -> None:
    began = time.monotonic()
    runs = [running.ended() for running in [start("run", recipe) for _ in range(AT_ONCE)]]
    alone = whole.document["seconds"]
    print(f"{AT_ONCE} at once {time.monotonic() - began:.1f} s, one {alone:.1f} s")  # pytest -rP shows it
    assert [run.code for run in runs] == [0] * AT_ONCE, [run.err for run in runs]
    labels = [stage["name"] for stage in whole.document["stages"]]
    assert Counter(name for run in runs for name in run.computed) == dict.fromkeys(labels, 1)
    assert len({run.document["run_dir"] for run in runs}) == AT_ONCE
    for run in runs:
        np.testing.assert_array_equal(run.image(), whole.image())


def test_a_run_whose_computer_is_killed_takes_over_where_it_was(
    start: Any, calm: Any, recipe: Path, store: Path, until: Any
) -> None:
    long = ["--set", "reconstruct.n_iter=300", "--set", "evaluate.held_out_fraction=0"]
    first = start("run", recipe, *long)
    assert until(lambda: list(store.glob("locks/*")), first)
    second = start("run", recipe, *long)
    assert until(lambda: list(store.glob("checkpoints/*/state-0.h5")), first)
    assert second.lives()
    first.signal(signal.SIGKILL)
    taken_over = second.ended()
    assert first.ended().code == -signal.SIGKILL
    assert taken_over.code == 0, taken_over.err
    np.testing.assert_array_equal(taken_over.image(), calm(*long).image())


def fill(writer: ArtefactWriter) -> dict[str, Any]:
    writer.write("image", np.arange(60.0).reshape(5, 4, 3))
    return {}


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_file_system_knows_no_locks_both_compute_and_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(code, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    one, two = ArtefactStore(tmp_path, limit_bytes=1), ArtefactStore(tmp_path, limit_bytes=1)

    def while_another_makes_it_too(writer: ArtefactWriter) -> dict[str, Any]:
        two.get_or_make("a", KEY, fill)
        return fill(writer)

    made, cached = one.get_or_make("a", KEY, while_another_makes_it_too)
    assert not cached
    found, cached = two.get_or_make("a", KEY, while_another_makes_it_too)
    assert cached and found == made
    with one.open(made) as artefact:
        np.testing.assert_array_equal(artefact.array("image"), np.arange(60.0).reshape(5, 4, 3))
    one.release()
    two.release()
    evict(tmp_path, 0)
    assert len(entries(tmp_path)) == 1  # nobody can tell whether it is in use

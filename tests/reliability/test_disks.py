"""Disks that are full, read-only, or not there: one sentence, nothing half written, and on again after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

STORE_KIB = {"nothing fits": 40, "the samples fit": 3000, "almost all fits": 0}


@pytest.mark.parametrize("case", STORE_KIB)
def test_a_store_on_a_full_disk(
    run: Any, mount: Any, forks: Any, recipe: Path, store: Path, whole: Any, artefacts: Any, case: str
) -> None:
    """A real file system of a few KiB. With more room the run goes on at the stage that did not fit."""
    sizes = [path.stat().st_size for path in artefacts(whole_store(whole))]
    kib = STORE_KIB[case] or (sum(sizes) - sizes[-1] // 2) // 1024
    inside = mount(store, "-t", "tmpfs", "-o", f"size={kib}k", "none")
    full = run(recipe)
    assert_sentence(full, "store must have room on its disk")
    made = artefacts(inside)
    assert 0 <= len(made) < len(sizes)
    assert not list(inside.glob("artefacts/*/.*")), "a half written file takes the room that is missing"
    assert forks.ask(command=["mount", "-o", "remount,size=64m", str(store)]) == 0
    again = run(recipe)
    assert again.code == 0, again.err
    assert again.computed == [stage["name"] for stage in whole.document["stages"]][len(made) :]
    np.testing.assert_array_equal(again.image(), whole.image())


def test_a_read_only_store_serves_hits_and_refuses_a_miss_in_one_sentence(
    run: Any, mount: Any, recipe: Path, store: Path, whole: Any
) -> None:
    assert run(recipe).code == 0
    mount(store, "--bind", store)
    mount(store, "-o", "remount,bind,ro")
    hit = run(recipe)
    assert hit.code == 0, hit.err
    assert hit.computed == []
    np.testing.assert_array_equal(hit.image(), whole.image())
    miss = run(recipe, "--set", "reconstruct.n_iter=3")
    assert_sentence(miss, "store must be writable: Read-only file system")


def test_a_damaged_artefact_in_a_read_only_store_is_not_served(
    run: Any, mount: Any, recipe: Path, store: Path, artefacts: Any
) -> None:
    assert run(recipe).code == 0
    damaged = artefacts(store)[1]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    mount(store, "--bind", store)
    mount(store, "-o", "remount,bind,ro")
    refused = run(recipe)
    assert refused.code == 1
    said = refused.err.splitlines()
    assert "damaged artefact of stage prepare cannot be set aside" in said[0]
    assert "store must be writable: Read-only file system" in said[1]
    assert len(said) == 2


def test_a_full_disk_under_the_run_folder(
    run: Any, mount: Any, forks: Any, recipe: Path, tmp_path: Path, whole: Any
) -> None:
    """What was computed is in the store: with room again nothing is computed twice."""
    out = tmp_path / "result"
    inside = mount(out, "-t", "tmpfs", "-o", "size=60k", "none")
    full = run(recipe, "--out", out)
    assert_sentence(full, "No space left on device")
    assert str(out) in full.err
    assert {path.stem for path in inside.iterdir() if path.is_file()} <= {"log"}
    assert forks.ask(command=["mount", "-o", "remount,size=64m", str(out)]) == 0
    again = run(recipe, "--out", out)
    assert again.code == 0, again.err
    assert again.computed == []
    assert (inside / "image.h5").stat().st_size == Path(whole.document["image"]).stat().st_size


def test_a_store_that_is_a_file_or_a_dangling_link_is_refused(
    run: Any, write_recipe: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "disk that is not mounted")
    recipe = write_recipe("")
    for name, sentence in {"file": "store must be a writable folder", "link": "which is not there"}.items():
        for place in (tmp_path / name, tmp_path / name / "below"):
            refused = run(recipe, PROXFLOW_STORE=str(place))
            assert_sentence(refused, sentence)
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "disk that is not mounted").exists()
    assert not (tmp_path / "runs").exists()


def test_a_log_that_cannot_be_written(run: Any, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "result" / "log.txt").mkdir(parents=True)
    refused = run(recipe, "--out", "result")
    assert_sentence(refused, "log.txt")


def whole_store(whole: Any) -> Path:
    return Path(whole.document["run_dir"]).parents[1] / "store"


def assert_sentence(ended: Any, sentence: str) -> None:
    assert ended.code in (1, 2), ended.err
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1, ended.err

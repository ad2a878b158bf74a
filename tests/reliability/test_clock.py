"""A clock that was put back: times decide what is evicted first, never what is right or who may go on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.eviction import entries, evict, remove_leftovers
from proxflow.data.store.file_digests import content_digest
from proxflow.data.store.locks import exclusive
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.run_folder import new_run_folder

YEAR = 365 * 86_400


def fill(writer: ArtefactWriter) -> dict[str, Any]:
    writer.write("image", np.arange(60.0).reshape(5, 4, 3))
    return {}


def into_the_future(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (time.time() + YEAR, time.time() + YEAR))


def test_a_killed_run_goes_on_where_all_files_are_of_the_future(
    start: Any, run: Any, recipe: Path, store: Path, whole: Any, until: Any
) -> None:
    running = start("run", recipe)
    assert until(lambda: list(store.glob("checkpoints/*/state-0.h5")), running)
    running.signal(signal.SIGKILL)
    running.ended()
    into_the_future(store)
    again = run(recipe)
    assert again.code == 0, again.err
    assert again.computed == ["reconstruct:tv", "hold_out:tv", "evaluate", "report"]
    np.testing.assert_array_equal(again.image(), whole.image())
    assert not list(store.glob("checkpoints/*"))


def test_a_run_while_the_clock_runs_backwards(
    tmp_path: Path, recipe: Path, whole: Any, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An hour back at every look at it."""
    import h5py

    from proxflow.flows.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    looks = iter(range(10**9))
    now, now_ns = time.time(), time.time_ns()
    monkeypatch.setattr(time, "time", lambda: now - 3600 * next(looks))
    monkeypatch.setattr(time, "time_ns", lambda: now_ns - 3600 * 10**9 * next(looks))
    with pytest.raises(SystemExit) as left:
        main(["run", str(recipe), "--out", "result", "--json"])
    assert left.value.code == 0, capfd.readouterr().err
    assert next(looks) > 3
    with h5py.File(tmp_path / "result" / "image.h5") as file:
        np.testing.assert_array_equal(file["image"][()], whole.image())


def test_artefacts_of_the_future_are_evicted_first(tmp_path: Path) -> None:
    """Or all that is made from now on would go before them, as soon as its run ends."""
    keys = [f"{index:02d}" + "0" * 38 for index in range(4)]
    maker = ArtefactStore(tmp_path)
    for age, key in enumerate(keys):
        maker.get_or_make("a", key, fill)
        ahead = YEAR if age == 1 else age - 100
        os.utime(maker.path(key), (time.time() + ahead, time.time() + ahead))
    maker.release()
    size = entries(tmp_path)[0].size
    evict(tmp_path, 3 * size)
    assert {entry.key for entry in entries(tmp_path)} == {keys[0], keys[2], keys[3]}
    evict(tmp_path, 2 * size)
    assert {entry.key for entry in entries(tmp_path)} == {keys[2], keys[3]}


@pytest.mark.parametrize("ahead", [-YEAR, YEAR])
def test_leftovers_go_whatever_their_time_but_not_what_a_live_run_works_on(
    tmp_path: Path, ahead: int
) -> None:
    """A clock that jumped makes a run of this minute look a year old; its locks tell that it lives."""
    store = ArtefactStore(tmp_path)
    live, dead = (digit * 40 for digit in "ab")
    (tmp_path / "artefacts" / "cc").mkdir()
    (tmp_path / "artefacts" / "cc" / ".old.tmp").write_bytes(b"half")
    for key in (live, dead):
        (store.checkpoint_folder(key)).mkdir(parents=True)
        (store.checkpoint_folder(key) / "state-0.h5").write_bytes(b"state")

    def while_it_is_made(writer: ArtefactWriter) -> dict[str, Any]:
        for path in tmp_path.rglob("*"):
            os.utime(path, (time.time() + ahead, time.time() + ahead))
        remove_leftovers(tmp_path)
        assert store.checkpoint_folder(live).exists()
        assert not store.checkpoint_folder(dead).exists()
        assert [path.name[:5] for path in tmp_path.rglob("*.tmp")] == [f".{live[:4]}"]
        return fill(writer)

    store.get_or_make("a", live, while_it_is_made)
    assert store.path(live).exists()


def test_young_leftovers_stay(tmp_path: Path) -> None:
    """They may be of a run on another host, which our locks do not reach."""
    (tmp_path / "checkpoints" / "abc").mkdir(parents=True)
    with exclusive(tmp_path / "locks" / "def.lock"):
        remove_leftovers(tmp_path)
        assert (tmp_path / "locks" / "def.lock").exists()
    assert (tmp_path / "checkpoints" / "abc").exists()
    remove_leftovers(tmp_path, older_than=-1)
    assert not (tmp_path / "checkpoints" / "abc").exists()


def test_runs_of_one_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a clock that was put back an hour says every time of that hour twice."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda form: "20261025-023000")
    folders = [new_run_folder("brain", None) for _ in range(3)]
    assert len({*folders}) == 3
    assert [folder.name for folder in folders][1:] == ["20261025-023000-brain-2", "20261025-023000-brain-3"]


def test_the_digest_of_a_large_file_is_remembered_only_where_a_change_would_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.data.store import file_digests, file_state

    monkeypatch.setattr(file_digests, "REMEMBER_FROM_BYTES", 1)
    path, memory, now = tmp_path / "scan", tmp_path / "memory", time.time_ns
    path.write_bytes(b"one")
    content_digest(path, memory)
    assert not memory.exists()  # written this moment: a second write might leave the same times
    monkeypatch.setattr(file_state.time, "time_ns", lambda: now() - 10**13)
    content_digest(path, memory)
    assert not memory.exists()  # written in the future, says the clock that was put back
    monkeypatch.setattr(file_state.time, "time_ns", lambda: now() + 10**13)
    first = content_digest(path, memory)
    (note,) = memory.iterdir()
    note.write_text(note.read_text().replace(first, "f" * 40))
    assert content_digest(path, memory) == "f" * 40  # it is the note that answers
    for broken in ("", "[]", "{}", '{"seen": 1}', note.read_text()[:-9]):
        note.write_text(broken)
        assert content_digest(path, memory) == first
    path.write_bytes(b"two")
    assert content_digest(path, memory) != first

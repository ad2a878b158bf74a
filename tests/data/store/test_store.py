"""The artefact store: computed once, atomic, verified, bounded."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.data.store.eviction import damaged_entries, entries, evict, remove_leftovers
from proxflow.data.store.keys import stage_key, tree_digest
from proxflow.data.store.seal import check_seal
from proxflow.data.store.store import ArtefactStore

KEY = "ab" + "0" * 38


def fill(writer: ArtefactWriter) -> dict[str, Any]:
    writer.write("image", np.arange(60.0).reshape(5, 4, 3))
    writer.write("number", np.float32(3))
    writer.document("trace", [{"objective": 1.5}])
    return {"stage": "a"}


def refuse(writer: ArtefactWriter) -> dict[str, Any]:
    raise AssertionError("must not be computed")


def test_second_call_finds_what_the_first_made(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    made, cached = store.get_or_make("a", KEY, fill)
    assert not cached
    found, cached = ArtefactStore(tmp_path).get_or_make("a", KEY, refuse)
    assert cached
    assert found == made
    with store.open(found) as artefact:
        np.testing.assert_array_equal(artefact.array("image"), np.arange(60.0).reshape(5, 4, 3))
        np.testing.assert_array_equal(artefact.rows("image", 1, 3), np.arange(60.0).reshape(5, 4, 3)[1:3])
        assert artefact.array("number") == 3
        assert artefact.document("trace") == [{"objective": 1.5}]
        assert artefact.provenance["stage"] == "a"


def test_rows_appended_one_by_one_have_the_digest_of_the_whole(tmp_path: Path) -> None:
    def by_rows(writer: ArtefactWriter) -> dict[str, Any]:
        writer.create("image", (5, 4, 3), np.float64)
        for row in np.arange(60.0).reshape(5, 4, 3):
            writer.append("image", row[None])
        writer.write("number", np.float32(3))
        writer.document("trace", [{"objective": 1.5}])
        return {}

    store = ArtefactStore(tmp_path)
    whole, _ = store.get_or_make("a", KEY, fill)
    rows, _ = store.get_or_make("a", "cd" + "0" * 38, by_rows)
    assert rows.digest == whole.digest


def test_an_unfilled_array_is_never_published(tmp_path: Path) -> None:
    def half(writer: ArtefactWriter) -> dict[str, Any]:
        writer.create("image", (5, 4), np.float64)
        writer.append("image", np.zeros((2, 4)))
        return {}

    with pytest.raises(RuntimeError, match="image must be filled, got 2 of 5 rows"):
        ArtefactStore(tmp_path).get_or_make("a", KEY, half)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def damage_truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def damage_empty(path: Path) -> None:
    os.truncate(path, 0)


def damage_flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(np.arange(12.0, 18.0).tobytes())  # inside the second row of the image
    content[place + 3] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [damage_truncate, damage_empty, damage_flip])
def test_damage_is_detected_said_and_computed_again(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store = ArtefactStore(tmp_path)
    made, _ = store.get_or_make("a", KEY, fill)
    damage(store.path(KEY))
    with caplog.at_level(logging.WARNING, logger="proxflow.store"):
        again, cached = ArtefactStore(tmp_path).get_or_make("a", KEY, fill)
    assert not cached
    assert again.digest == made.digest
    assert "damaged artefact of stage a set aside" in caplog.text
    assert len(list((tmp_path / "damaged").iterdir())) == 1


def test_every_flipped_byte_is_detected(tmp_path: Path) -> None:
    """Anywhere in the file, between HDF5's objects and in the seal itself too."""
    store = ArtefactStore(tmp_path)
    store.get_or_make("a", KEY, fill)
    check_seal(store.path(KEY))
    original = store.path(KEY).read_bytes()
    rng = np.random.default_rng(0)
    victim = tmp_path / "victim.h5"
    for place in [*range(0, 512, 37), *rng.choice(len(original), 300, replace=False).tolist()]:
        content = bytearray(original)
        content[place] ^= 1 << int(rng.integers(8))
        victim.write_bytes(content)
        with pytest.raises(DamagedArtefactError, match="must hold the bytes that were written"):
            check_seal(victim)
    for length in (0, 100, 512, len(original) - 1):
        victim.write_bytes(original[:length])
        with pytest.raises(DamagedArtefactError):
            check_seal(victim)
    victim.write_bytes(original + b"\0")
    with pytest.raises(DamagedArtefactError):
        check_seal(victim)


def slow_writer(root: Path, log: Path) -> None:
    def make(writer: ArtefactWriter) -> dict[str, Any]:
        with log.open("a") as file:
            file.write("computed\n")
        time.sleep(0.5)
        return fill(writer)

    _, cached = ArtefactStore(root).get_or_make("a", KEY, make)
    with log.open("a") as file:
        file.write(f"cached {cached}\n")


def test_two_processes_compute_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    runs = [
        context.Process(target=slow_writer, args=(tmp_path / "store", tmp_path / "log")) for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(20)
    assert [run.exitcode for run in runs] == [0, 0]
    assert sorted((tmp_path / "log").read_text().split("\n")[:-1]) == [
        "cached False",
        "cached True",
        "computed",
    ]


def test_a_killed_writer_leaves_no_artefact_and_no_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    run = context.Process(target=slow_writer, args=(tmp_path / "store", tmp_path / "log"))
    run.start()
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join(20)
    store = ArtefactStore(tmp_path / "store")
    assert store.find("a", KEY) is None
    _, cached = store.get_or_make("a", KEY, fill)
    assert not cached
    assert len(list(tmp_path.rglob("*.tmp"))) == 1  # the killed writer's
    remove_leftovers(store.root, older_than=-1)
    assert not list(tmp_path.rglob("*.tmp"))
    assert damaged_entries(store.root) == []


def test_a_full_disk_is_one_sentence_and_leaves_no_partial_file(tmp_path: Path) -> None:
    """A file size limit stands for the full disk; the process must also survive and go on."""
    context = multiprocessing.get_context("fork")
    run = context.Process(target=write_beyond_the_limit, args=(tmp_path,))
    run.start()
    run.join(30)
    assert run.exitcode == 0
    assert [path.name for path in tmp_path.rglob("*.h5")] == [f"{KEY}.h5"]
    assert not list(tmp_path.rglob("*.tmp"))
    assert damaged_entries(tmp_path) == []


def write_beyond_the_limit(root: Path) -> None:
    import errno

    store = ArtefactStore(root)
    store.get_or_make("a", KEY, fill)
    write = os.pwrite

    def full_disk(descriptor: int, data: Any, place: int) -> int:
        if place > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data, place)

    os.pwrite = full_disk

    def large(writer: ArtefactWriter) -> dict[str, Any]:
        writer.write("image", np.zeros((40, 100, 100)))
        return {}

    with pytest.raises(StoreError, match="store must have room on its disk"):
        store.get_or_make("a", "cd" + "0" * 38, large)
    os.pwrite = write
    store.get_or_make("b", KEY, refuse)


def test_a_store_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="store must be a writable folder"):
        ArtefactStore(tmp_path / "file")


def test_least_recently_used_goes_first_and_pinned_stays(tmp_path: Path) -> None:
    keys = [f"{index:02d}" + "0" * 38 for index in range(4)]
    maker = ArtefactStore(tmp_path)
    for age, key in enumerate(keys):
        maker.get_or_make("a", key, fill)
        os.utime(maker.path(key), (1000 + age, 1000 + age))
    maker.release()
    size = entries(tmp_path)[0].size
    user = ArtefactStore(tmp_path)
    assert user.find("a", keys[0]) is not None  # now the most recent, and pinned
    os.utime(user.path(keys[0]), (1, 1))  # yet said to be the oldest
    evict(tmp_path, 2 * size)
    assert {entry.key for entry in entries(tmp_path)} == {keys[0], keys[3]}
    user.release()
    evict(tmp_path, size)
    assert {entry.key for entry in entries(tmp_path)} == {keys[3]}


def test_what_was_let_go_of_is_pinned_no_more(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    kept, _ = store.get_or_make("a", KEY, fill)
    gone, _ = store.get_or_make("a", "cd" + KEY[2:], fill)
    store.let_go(gone)
    store.let_go(gone)  # twice is harmless
    evict(tmp_path, 0)
    assert {entry.key for entry in entries(tmp_path)} == {kept.key}
    store.release()


def test_writing_keeps_the_store_within_its_limit(tmp_path: Path) -> None:
    probe = ArtefactStore(tmp_path / "probe")
    probe.get_or_make("a", KEY, fill)
    size = entries(probe.root)[0].size
    for index in range(6):
        store = ArtefactStore(tmp_path / "store", limit_bytes=3 * size)
        store.get_or_make("a", f"{index:02d}" + "0" * 38, fill)
        store.release()
    assert len(entries(tmp_path / "store")) == 3


def test_keys_depend_on_all_that_decides_and_on_nothing_else(tmp_path: Path) -> None:
    def key(**changes: Any) -> str:
        given: dict[str, Any] = {"config": {"a": 1, "b": 2}, "inputs": {"x": "1"}, "source": "s"} | changes
        return stage_key("tv", given["config"], given["inputs"], source=given["source"])

    assert key() == key(config={"b": 2, "a": 1})
    assert len({key(), key(config={"a": 1, "b": 3}), key(inputs={"x": "2"}), key(source="t")}) == 4
    with pytest.raises(ValueError, match="JSON"):
        key(config={"a": float("nan")})


def test_source_digest_sees_code_and_not_documents(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tv.py").write_text("x = 1\n")
    (tmp_path / "models" / "README.md").write_text("one")
    first = tree_digest(tmp_path, ["models"])
    (tmp_path / "models" / "README.md").write_text("two")
    assert tree_digest(tmp_path, ["models"]) == first
    (tmp_path / "models" / "tv.py").write_text("x = 2\n")
    assert tree_digest(tmp_path, ["models"]) != first

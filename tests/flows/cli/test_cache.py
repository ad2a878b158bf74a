"""``proxflow cache``: ls, verify, gc."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from proxflow.data.store.store import ArtefactStore


@pytest.fixture
def filled(store: Path) -> list[str]:
    """Three artefacts of about 80 kB, the first used longest ago; their keys in that order."""
    keeper, keys = ArtefactStore(store), [f"{letter}{'0' * 39}" for letter in "abc"]
    for number, key in enumerate(keys):

        def make(writer, number=number) -> dict:
            writer.write("values", np.full((10, 1000), number, float))
            config = {"method": {"method": "tv", "lam": 0.01 * number}, "long": "x" * 100}
            return {
                "label": f"stage {number}", "config": config,
                "started": "2026-01-01T10:00:00+00:00", "seconds": 1.5,
            }  # fmt: skip

        keeper.get_or_make(f"stage {number}", key, make)
        age = time.time() - 3600 * (3 - number)
        path = keeper.path(key)
        os.utime(path, (age, age))
    keeper.release()
    return keys


def damage(store: Path, key: str) -> None:
    path = store / "artefacts" / key[:2] / f"{key}.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_cache_ls_lists_most_recently_used_first(proxflow, filled) -> None:
    listed = proxflow("cache", "ls", "--json").json
    assert [row["key"] for row in listed["artefacts"]] == filled[::-1]
    assert listed["bytes"] == sum(row["bytes"] for row in listed["artefacts"])
    assert listed["limit_bytes"] == 20 << 30
    table = proxflow("cache", "ls").out
    assert "stage 2" in table and "1 h ago" in table
    assert "method tv, lam 0.02, long …" in table.replace("tv, method", "method")


def test_cache_of_an_empty_store_makes_no_folder(proxflow, store) -> None:
    for verb in ("ls", "verify", "gc"):
        assert proxflow("cache", verb).code == 0
    assert not store.exists()


def test_cache_verify_passes_whole_artefacts(proxflow, filled) -> None:
    ended = proxflow("cache", "verify", "--json")
    assert ended.code == 0
    assert ended.json["verified"] == 3 and ended.json["damaged"] == []


def test_cache_verify_sets_damaged_artefacts_aside(proxflow, filled, store) -> None:
    damage(store, filled[1])
    ended = proxflow("cache", "verify")
    assert ended.code == 1
    assert filled[1] in ended.out and "1 damaged" in ended.out
    assert [path.name.partition("-")[0] for path in (store / "damaged").iterdir()] == [filled[1]]
    assert proxflow("cache", "verify").code == 0
    kept = [row["key"] for row in proxflow("cache", "ls", "--json").json["artefacts"]]
    assert kept == [filled[2], filled[0]]


def test_cache_ls_shows_an_unreadable_artefact_as_damaged(proxflow, filled, store) -> None:
    (store / "artefacts" / filled[0][:2] / f"{filled[0]}.h5").write_bytes(b"")
    assert proxflow("cache", "ls", "--json").json["artefacts"][-1]["stage"] == "damaged"


def test_cache_gc_evicts_the_least_recently_used(proxflow, filled) -> None:
    dry = proxflow("cache", "gc", "--limit", "200KiB", "--dry-run", "--json").json
    assert dry["evicted"] == filled[:1] and dry["left"] == 2
    assert len(proxflow("cache", "ls", "--json").json["artefacts"]) == 3
    done = proxflow("cache", "gc", "--limit", "200KiB", "--json").json
    assert done["evicted"] == filled[:1] and done["left"] == 2 and done["freed_bytes"] > 80_000


def test_cache_gc_all_empties_the_store(proxflow, filled) -> None:
    assert proxflow("cache", "gc", "--all").code == 0
    assert proxflow("cache", "ls", "--json").json["artefacts"] == []


def test_cache_gc_leaves_what_a_process_uses(proxflow, filled, store) -> None:
    keeper = ArtefactStore(store)
    keeper.find("stage 0", filled[0])
    assert set(proxflow("cache", "gc", "--all", "--json").json["evicted"]) == set(filled[1:])
    keeper.release()


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (["gc", "--limit", "much"], "--limit must be a size like 500MiB"),
        (["gc", "--limit", "1GiB", "--all"], "--limit must not be given with --all"),
        (["ls", "--store", "nowhere"], "--store must be the folder of a store"),
    ],
)
def test_cache_refuses_bad_requests(proxflow, tokens, sentence) -> None:
    ended = proxflow("cache", *tokens)
    assert ended.code == 2
    assert sentence in ended.err

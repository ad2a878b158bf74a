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


def test_cache_ls_lists_most_recently_used_first(cli, filled) -> None:
    listed = cli("cache", "ls", "--json").json
    assert [row["key"] for row in listed["artefacts"]] == filled[::-1]
    assert listed["bytes"] == sum(row["bytes"] for row in listed["artefacts"])
    assert listed["limit_bytes"] == 20 << 30
    table = cli("cache", "ls").out
    assert "stage 2" in table and "1 h ago" in table
    assert "tv, lam 0.02, long …" in table


def test_cache_of_an_empty_store_makes_no_folder(cli, store) -> None:
    for verb in ("ls", "verify", "gc"):
        assert cli("cache", verb).code == 0
    assert not store.exists()


def test_cache_verify_passes_whole_artefacts(cli, filled) -> None:
    ended = cli("cache", "verify", "--json")
    assert ended.code == 0
    assert ended.json["verified"] == 3 and ended.json["damaged"] == []


def test_cache_verify_sets_damaged_artefacts_aside(cli, filled, store) -> None:
    damage(store, filled[1])
    ended = cli("cache", "verify")
    assert ended.code == 1
    assert filled[1] in ended.out and "1 damaged" in ended.out
    assert [path.name.partition("-")[0] for path in (store / "damaged").iterdir()] == [filled[1]]
    assert cli("cache", "verify").code == 0
    kept = [row["key"] for row in cli("cache", "ls", "--json").json["artefacts"]]
    assert kept == [filled[2], filled[0]]


def test_cache_ls_shows_an_unreadable_artefact_as_damaged(cli, filled, store) -> None:
    (store / "artefacts" / filled[0][:2] / f"{filled[0]}.h5").write_bytes(b"")
    rows = cli("cache", "ls", "--json").json["artefacts"]
    assert {row["key"]: row["stage"] for row in rows}[filled[0]] == "damaged"


def test_cache_gc_evicts_the_least_recently_used(cli, filled) -> None:
    dry = cli("cache", "gc", "--limit", "200KiB", "--dry-run", "--json").json
    assert dry["evicted"] == filled[:1] and dry["left"] == 2
    assert len(cli("cache", "ls", "--json").json["artefacts"]) == 3
    done = cli("cache", "gc", "--limit", "200KiB", "--json").json
    assert done["evicted"] == filled[:1] and done["left"] == 2 and done["freed_bytes"] > 80_000


def test_cache_gc_all_empties_the_store(cli, filled) -> None:
    assert cli("cache", "gc", "--all").code == 0
    assert cli("cache", "ls", "--json").json["artefacts"] == []


def test_cache_gc_leaves_what_a_process_uses(cli, filled, store) -> None:
    keeper = ArtefactStore(store)
    keeper.find("stage 0", filled[0])
    assert set(cli("cache", "gc", "--all", "--json").json["evicted"]) == set(filled[1:])
    keeper.release()


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (["gc", "--limit", "much"], "--limit must be a size like 500MiB"),
        (["gc", "--limit", "1GiB", "--all"], "--limit must not be given with --all"),
        (["ls", "--store", "nowhere"], "--store must be the folder of a store"),
    ],
)
def test_cache_refuses_bad_requests(cli, tokens, sentence) -> None:
    ended = cli("cache", *tokens)
    assert ended.code == 2
    assert sentence in ended.err

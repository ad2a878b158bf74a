"""Artefacts that break, or go, after the stage that made them and before the one that reads them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.tasks.damage import with_damage_mended

LONG = ["--set", "reconstruct.n_iter=150"]
KEY = "ab" + "0" * 38


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 4]))


def zeros(path: Path) -> None:
    """As a disk that lost a write gives back."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(20_000))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size * 2 // 3),
    "emptied": lambda path: os.truncate(path, 0),
    "one bit of the samples": lambda path: flip(path, path.stat().st_size // 2),
    "one bit of a document": lambda path: flip(path, path.read_bytes().index(b'"acceleration"') + 18),
    "zeros": zeros,
    "removed": Path.unlink,
}


@pytest.fixture(scope="module")
def longer(calm: Any) -> Any:
    """The run that nothing disturbed."""
    return calm(*LONG)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_artefact_that_breaks_mid_run_is_computed_again_by_the_same_run(
    start: Any, recipe: Path, store: Path, longer: Any, until: Any, artefacts: Any, damage: str
) -> None:  # fmt: skip
    """The prepared scan breaks while the method iterates; the hold-out reads it next."""
    running = start("run", recipe, *LONG)
    assert until(lambda: list(store.glob("checkpoints/*/state-0.h5")), running)
    DAMAGES[damage](artefacts(store)[1])
    mended = running.ended()
    assert mended.code == 0, mended.err
    np.testing.assert_array_equal(mended.image(), longer.image())
    assert mended.document["metrics"] == longer.document["metrics"]
    assert "it is computed again" in mended.err
    assert "it is computed again" in mended.log()
    assert len(list(store.glob("damaged/*"))) == (damage != "removed")
    assert "prepare" in mended.computed


def test_the_store_removed_mid_run_is_one_sentence(start: Any, recipe: Path, store: Path, until: Any) -> None:
    running = start("run", recipe, *LONG)
    assert until(lambda: list(store.glob("checkpoints/*/state-0.h5")), running)
    store.rename(store.with_name("moved"))
    ended = running.ended()
    assert ended.code == 1
    assert "store must stay in place while a run uses it" in ended.err
    assert "Traceback" not in ended.err


def test_the_run_folder_removed_mid_run_is_made_again(
    start: Any, recipe: Path, store: Path, tmp_path: Path, until: Any
) -> None:
    running = start("run", recipe, *LONG, "--out", "result")
    assert until(lambda: list(store.glob("checkpoints/*/state-0.h5")), running)
    shutil.rmtree(tmp_path / "result")
    ended = running.ended()
    assert ended.code == 0, ended.err
    assert ended.image().shape == (1, 112, 96)
    assert (tmp_path / "result" / "report.html").exists()


def made(root: Path) -> tuple[ArtefactStore, Ref]:
    def fill(writer: ArtefactWriter) -> dict[str, Any]:
        writer.write("image", np.arange(6000.0).reshape(5, 40, 30))
        writer.write("weights", np.arange(100.0))
        writer.write("number", np.float32(3))
        writer.document("trace", [{"objective": 1.5}])
        return {"stage": "a"}

    store = ArtefactStore(root)
    return store, store.get_or_make("a", KEY, fill)[0]


def read_all(artefact: Artefact) -> list[bytes]:
    return [
        *(artefact.rows("image", row, row + 1).tobytes() for row in range(5)),
        *(artefact.array(name).tobytes() for name in ("image", "weights", "number")),
        artefact.rows("weights", 3, 7).tobytes(),
        str(artefact.document("trace")).encode(),
    ]


def test_a_flipped_bit_never_reaches_a_stage(tmp_path: Path) -> None:
    """Without the seal that a hit checks: what is read is right, or it is said that it is not."""
    store, ref = made(tmp_path)
    path = store.path(KEY)
    original = path.read_bytes()
    with store.open(ref) as artefact:
        right = read_all(artefact)
    rng = np.random.default_rng(0)
    found = 0
    for place in rng.choice(np.arange(512, len(original)), 400, replace=False).tolist():
        content = bytearray(original)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            with store.open(ref) as artefact:
                assert read_all(artefact) == right, place
        except DamagedArtefactError:
            found += 1
    assert found > 300  # the rest lies between HDF5's objects


def test_a_row_of_zeros_whose_own_checksum_is_zero_is_found(tmp_path: Path) -> None:
    """Fletcher's sum of zeros is zero: HDF5 takes such a row for whole."""
    store, ref = made(tmp_path)
    content = store.path(KEY).read_bytes()
    row = np.arange(1200.0, 2400.0).tobytes()
    place = content.index(row)
    store.path(KEY).write_bytes(content[:place] + bytes(len(row) + 4) + content[place + len(row) + 4 :])
    with store.open(ref) as artefact:
        assert artefact.rows("image", 0, 1).any()
        with pytest.raises(DamagedArtefactError, match="must hold the image that was written"):
            artefact.rows("image", 1, 2)


def test_damage_that_comes_back_ends_the_run() -> None:
    def broken() -> None:
        raise DamagedArtefactError("x.h5 must hold the image that was written")

    with pytest.raises(DamagedArtefactError):
        with_damage_mended(broken)

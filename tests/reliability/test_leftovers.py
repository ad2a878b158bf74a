"""What a power failure or a kill leaves in a store: empty files, halves, temporary ones. None is used."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from proxflow.data.store.eviction import remove_leftovers

HALF = b"\x89HDF\r\n\x1a\n" + bytes(3000)


def test_a_store_full_of_halves_gives_the_same_bits(
    start: Any, run: Any, recipe: Path, store: Path, whole: Any, artefacts: Any
) -> None:
    """An artefact without bytes, one of zeros, one of garbage, one of another key, and all their helpers."""
    assert run(recipe).code == 0
    paths = artefacts(store)
    sizes = [path.stat().st_size for path in paths]
    other = paths[-1].read_bytes()
    for path, content in zip(paths, (b"", bytes(sizes[1]), HALF, other), strict=False):
        path.write_bytes(content)
    for path in paths[4:]:
        path.unlink()
    for path in paths:
        checkpoints = store / "checkpoints" / path.stem
        checkpoints.mkdir(parents=True)
        (checkpoints / "state-0.h5").write_bytes(b"")
        (checkpoints / "item-0.h5").write_bytes(HALF)
        (checkpoints / ".part-0123-state-0.h5").write_bytes(HALF)
        (store / "locks" / f"{path.stem}.lock").write_bytes(b"")
        path.with_name(f".{path.stem}.123.abcd.tmp").write_bytes(HALF)
    again = run(recipe)
    assert again.code == 0, again.err
    assert len(again.computed) == len(paths)
    np.testing.assert_array_equal(again.image(), whole.image())
    assert again.document["metrics"] == whole.document["metrics"]
    assert len(list((store / "damaged").iterdir())) == 4
    assert remove_leftovers(store, older_than=-1) > 0
    kept = {path.parent.name for path in store.rglob("*") if path.is_file()}
    assert kept <= {path.parent.name for path in paths} | {"runs"}
    assert run(recipe).computed == []


def test_a_half_written_run_folder_is_written_whole(
    run: Any, recipe: Path, tmp_path: Path, whole: Any
) -> None:
    assert run(recipe, "--out", "result").code == 0
    folder = tmp_path / "result"
    for name in ("image.h5", "report.html", "metrics.json", "recipe.yaml"):
        (folder / name).write_bytes(b"")
    shutil.rmtree(folder / "previews")
    (folder / ".part-0123-image.h5").write_bytes(HALF)
    again = run(recipe, "--out", "result")
    assert again.code == 0, again.err
    np.testing.assert_array_equal(again.image(), whole.image())
    assert "<html" in (folder / "report.html").read_text()
    assert list((folder / "previews").iterdir())

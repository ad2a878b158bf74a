"""A file cut short is refused in one sentence, or, where nothing of the data is lost, read as the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Measurement
from proxflow.data.sinogram import Sinogram

Outcome = Callable[..., Measurement | str]
TEXTS = (".csv", ".json", ".hdr")


def lengths(content: bytes, text: bool) -> list[int]:
    """Where to cut: a few bytes, a third, half, a value or less before the end; texts at each of the last."""
    size = len(content)
    last = range(size - min(size, 90), size) if text else (size - 8, size - 4, size - 1)
    return sorted({3, 20, size // 3, size // 2, 2 * size // 3, *last} & set(range(1, size)))


def test_files_cut_short(
    form: str, make: Callable[..., Path], outcome: Outcome, same: Callable[..., bool]
) -> None:
    path = make(form)
    whole = outcome(path)
    for file in sorted(path.parent.iterdir()):
        content = file.read_bytes()
        for keep in lengths(content, file.suffix in TEXTS):
            file.write_bytes(content[:keep])
            found = outcome(path)
            if not isinstance(found, str) and not same(found, whole):
                # Numbers without a unit at their end may lose digits; that is said.
                with open_scan(path) as scan:
                    assert any("cut short" in note for note in scan.info.notes), (file.name, keep)
        file.write_bytes(content)
    assert same(outcome(path), whole)


def test_empty_and_absent_files(form: str, make: Callable[..., Path], outcome: Outcome) -> None:
    path = make(form)
    for file in sorted(path.parent.iterdir()):
        content = file.read_bytes()
        file.write_bytes(b"")
        assert isinstance(outcome(path), str), file.name
        file.unlink()
        assert isinstance(outcome(path), str), file.name
        file.write_bytes(content)


@pytest.mark.parametrize("how", ["one by one", "ImageJ", "deflate", "BigTIFF"])
def test_tiff_pages_beyond_the_end(
    how: str, make: Callable[..., Path], outcome: Outcome, same: Callable[..., bool]
) -> None:
    """A stack of rows, whose number nothing else tells."""
    path = make("tiff", attenuation=np.broadcast_to(np.hanning(40), (5, 12, 40)).astype(np.float32))
    sidecar = path.with_suffix(".json")
    sidecar.write_text(
        sidecar.read_text().replace('["angle", "row", "column"]', '["row", "angle", "column"]')
    )
    pages = tifffile.imread(path)
    if how == "one by one":
        path.unlink()
        for page in pages:
            tifffile.imwrite(path, page, append=True, metadata=None)
    elif how == "ImageJ":
        tifffile.imwrite(path, pages, imagej=True)
    else:
        packed = {"compression": "zlib"} if how == "deflate" else {"bigtiff": True}
        tifffile.imwrite(path, pages, photometric="minisblack", metadata=None, **packed)
    whole, content = outcome(path), path.read_bytes()
    assert isinstance(whole, Sinogram) and whole.samples.shape == (5, 12, 40)
    for keep in range(9, len(content), 211):
        path.write_bytes(content[:keep])
        found = outcome(path)
        assert isinstance(found, str) or same(found, whole), keep

"""The scans that ship: small, attributed, and as their README says."""

from __future__ import annotations

import re

import pytest

from proxflow.data.open_scan import open_scan
from proxflow.data.samples.catalogue import FOLDER, SAMPLES, sample_path

README = (FOLDER / "README.md").read_text(encoding="utf-8")
LARGEST_BYTES = 7 * 2**20
NO_DATA = {".py", ".pyc", ".md"}


def test_every_data_file_belongs_to_a_sample_and_is_small() -> None:
    files = [file for file in FOLDER.iterdir() if file.is_file() and file.suffix not in NO_DATA]
    stems = {sample.file.split(".")[0] for sample in SAMPLES.values()}
    for file in files:
        assert file.stem.removesuffix("_seg") in stems, file.name
        assert file.stat().st_size <= LARGEST_BYTES, file.name
        assert f"`{file.name}`" in README


@pytest.mark.parametrize("name", SAMPLES)
def test_the_readme_attributes_a_sample(name: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
    assert SAMPLES[name].licence in row
    sizes = [int(size.replace(" ", "")) for size in row.split("|")[3].split("+")]
    files = re.findall(r"`([^`]+\.\w+)`", row)
    assert files[0] == SAMPLES[name].file
    assert sizes == [(FOLDER / file).stat().st_size for file in files]
    section = README.split(f"\n## `{name}`")[1].split("\n## ")[0]
    for item in ("* Source: ", "* Licence: ", "* Changes: "):
        assert item in section
    assert "https://" in section
    assert SAMPLES[name].licence in section


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_opens(name: str) -> None:
    with open_scan(f"sample://{name}") as scan:
        assert scan.info.path == sample_path(name)
        assert scan.read([0]).samples.size

"""Multistatic CSV tables: what the tables mean, which background, and every way they can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.merit import MeritScan, is_merit

POSITIONS = np.array([[0.069, 0, 0.011], [0.056, 0.041, 0.011], [0.021, 0.066, 0.02], [-0.02, 0.06, 0.03]])
CHANNELS = np.array([[1, 2], [1, 3], [2, 4], [3, 3], [4, 1]])
FREQUENCIES = np.array([1.5e9, 2e9, 4.5e9])


def table(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(size=(3, 5)) + 1j * random.normal(size=(3, 5))
    return (values * 1e-3).astype(np.complex64)


def write_table(path: Path, values: np.ndarray) -> Path:
    lines = (",".join(f"{float(v.real):.9g}{float(v.imag):+.9g}i" for v in row) for row in values)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savetxt(tmp_path / "antenna_locations.csv", POSITIONS, delimiter=",")
    np.savetxt(tmp_path / "channel_names.csv", CHANNELS, delimiter=",", fmt="%d")
    np.savetxt(tmp_path / "frequencies.csv", FREQUENCIES)
    write_table(tmp_path / "B0_p000.csv", table(0))
    write_table(tmp_path / "B0_p036.csv", table(1))
    return tmp_path


def refused(path: Path, sentence: str, background: Path | None = None) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, MeritScan(path, background) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


def test_tables_become_a_cube_with_the_other_rotation_as_background(folder: Path) -> None:
    path = folder / "B0_p000.csv"
    assert is_merit(path)
    with MeritScan(path) as scan:
        assert scan.info.shape == (1, 3, 5)
        assert scan.info.axes == ("item", "frequency", "pair")
        assert scan.info.modality == "radar"
        assert scan.info.has_fields
        assert scan.info.notes == ("Background: B0_p036.csv, the other rotation beside the scan.",)
        assert {file.name for file in scan.info.companions} >= {"B0_p036.csv", "frequencies.csv"}
        cube = scan.read([0])
    np.testing.assert_array_equal(cube.samples[0], table(0))
    assert cube.background is not None
    np.testing.assert_array_equal(cube.background[0], table(1))
    np.testing.assert_array_equal(cube.geometry.pairs, CHANNELS - 1)
    np.testing.assert_array_equal(cube.geometry.transmitters_m, POSITIONS)
    np.testing.assert_array_equal(cube.geometry.frequencies_hz, FREQUENCIES)
    assert cube.labels == ("B0_p000",)


def test_which_background(folder: Path) -> None:
    with MeritScan(folder / "B0_p036.csv") as scan:  # only p000 has one by itself
        assert not scan.info.has_fields
    write_table(folder / "B0_p072.csv", table(2))
    with MeritScan(folder / "B0_p000.csv") as scan:  # two others: no guess
        assert scan.read().background is None
    with MeritScan(folder / "B0_p000.csv", folder / "B0_p072.csv") as scan:
        background = scan.read().background
    assert background is not None
    np.testing.assert_array_equal(background[0], table(2))
    refused(folder / "B0_p000.csv", "must have absent.csv beside it", folder / "absent.csv")
    refused(folder / "B0_p000.csv", "background must differ from the samples", folder / "B0_p000.csv")


def test_predicate(folder: Path, tmp_path: Path) -> None:
    assert not is_merit(folder / "frequencies.csv")
    assert not is_merit(folder / "absent.csv")
    (folder / "channel_names.csv").unlink()
    assert not is_merit(folder / "B0_p000.csv")
    refused(folder / "B0_p000.csv", "must have channel_names.csv beside it, got no such file")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must hold numbers, got an empty file"),
        ("1+1i,2+2i\n1+1i\n", "line 2 must have 2 columns as line 1, got 1"),
        ("1+1i,abc\n", "line 1, column 2 must be a number a\\+bi, got 'abc'"),
        ("1+1i,\n", "line 1, column 2 must be a number"),
        ("1,2,3,4,5\n" * 3, "got only real ones \\(magnitude only\\?\\)"),
        ("1+1i,2+2i\n" * 3, r"with 3 frequencies and 5 pairs, got shape \(1, 3, 2\)"),
        ("1+1i,2+1i,3+1i\n" * 5, r"got shape \(1, 5, 3\) \(frequency and pair swapped\?\)"),
        ("NaN+0i,1i,1i,1i,1i\n" * 3, "must be finite, got 3 NaN .* at frequency 0, pair 0"),
        ("0i,0i,0i,0i,Inf+1i\n" * 3, "must be finite, got 3 NaN or Inf values in item 0, .* pair 4"),
    ],
)
def test_bad_tables(folder: Path, text: str, sentence: str) -> None:
    (folder / "B0_p000.csv").write_text(text)
    refused(folder / "B0_p000.csv", sentence)


def test_text_of_another_encoding(folder: Path) -> None:
    (folder / "B0_p000.csv").write_bytes(b"\xff\xfe1\x00+\x001\x00i\x00")
    refused(folder / "B0_p000.csv", "must be readable text")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "frequencies.csv",
            "1.5\n2\n4.5\n",
            "must be in Hz, got values from 1.5 to 4.5, which look like GHz",
        ),
        ("frequencies.csv", "1500\n2000\n4500\n", "which look like MHz"),
        ("frequencies.csv", "4.5e9\n2e9\n1.5e9\n", "must ascend, got 4.5e\\+09 then 2e\\+09 Hz at index 1"),
        ("frequencies.csv", "1.5e9\n1.5e9\n4.5e9\n", "must ascend"),
        ("frequencies.csv", "-1\n2e9\n3e9\n", "must be positive, got -1"),
        ("frequencies.csv", "1.5e9\nnan\n3e9\n", "must be finite, got nan at index 1"),
        ("frequencies.csv", "1.5e9,2e9,3e9\n", "line 1 must have 1 columns, got 3"),
        ("frequencies.csv", "Hz\n1e9\n2e9\n", "line 1 must hold numbers, got Hz"),
        ("antenna_locations.csv", "69,0,11\n56,41,11\n21,66,20\n-20,60,30\n", "which looks like millimetres"),
        ("antenna_locations.csv", "0,0,0\n" * 4, "must differ, got all of them at one point"),
        ("antenna_locations.csv", "0,0,0\n1,inf,0\n2,0,0\n3,0,0\n", r"must be finite, got .* at index 1"),
        ("antenna_locations.csv", "0,0\n1,0\n2,0\n3,0\n", "line 1 must have 3 columns, got 2"),
        ("channel_names.csv", "0,1\n1,2\n2,3\n3,1\n1,1\n", r"must be in 1 to 4, got \[0, 1\] in channel 1"),
        ("channel_names.csv", "1,2\n1,3\n2,5\n3,3\n4,1\n", r"must be in 1 to 4, got \[2, 5\] in channel 3"),
        ("channel_names.csv", "1,2\n1,2\n2,4\n3,3\n4,1\n", r"must be unique, got \[0, 1\] 2 times"),
        ("channel_names.csv", "1,2.5\n1,3\n2,4\n3,3\n4,1\n", "must be whole"),
        ("channel_names.csv", "1,nan\n1,3\n2,4\n3,3\n4,1\n", "must be whole"),
        ("channel_names.csv", "1,2\n1,3\n", r"with 3 frequencies and 2 pairs, got shape \(1, 3, 5\)"),
    ],
)
def test_bad_companions(folder: Path, name: str, text: str, sentence: str) -> None:
    (folder / name).write_text(text)
    refused(folder / "B0_p000.csv", sentence)

"""Gotcha phase histories: a point made by the test focuses where it stands; bad files in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from proxflow.data.errors import ScanError
from proxflow.data.readers.gotcha import GotchaScan, is_gotcha

C = 299792458.0
POINT = np.array([4.0, -3.0, 0.0])


def fields(*, autofocus: bool = True) -> dict[str, Any]:
    """A point scatterer seen from 21 positions, with a range and phase error that autofocus undoes."""
    random = np.random.default_rng(0)
    angle = np.radians(np.linspace(0, 1, 21))
    position = np.stack([7089 * np.cos(angle), 7089 * np.sin(angle), np.full(21, 7275.0)])
    frequency = np.linspace(9.3e9, 9.9e9, 16)
    r0 = np.linalg.norm(position, axis=0)
    slip = random.normal(scale=0.1, size=21) if autofocus else np.zeros(21)
    phase = random.uniform(-3, 3, size=21) if autofocus else np.zeros(21)
    distance = np.linalg.norm(position - POINT[:, None], axis=0)
    k = 2 * np.pi * frequency[:, None] / C
    samples = np.exp(-2j * k * (distance - r0 - slip)) * np.exp(-1j * phase)
    content = {
        "fp": samples.astype(np.complex64),
        "freq": frequency[:, None],
        **dict(zip("xyz", position[:, None], strict=True)),
        "r0": r0[None],
        "th": np.degrees(angle)[None],
        "phi": np.full((1, 21), 45.7),
    }
    if autofocus:
        content["af"] = {"r_correct": slip[None], "ph_correct": phase[None]}
    return content


def write(path: Path, content: dict[str, Any]) -> Path:
    savemat(path, {"data": content})
    return path


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, GotchaScan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("autofocus", [True, False])
def test_the_point_is_in_focus(tmp_path: Path, autofocus: bool) -> None:
    path = write(tmp_path / "scan.mat", fields(autofocus=autofocus))
    assert is_gotcha(path)
    with GotchaScan(path) as scan:
        assert scan.info.shape == (1, 16, 21)
        assert scan.info.modality == "radar"
        assert bool(scan.info.notes) == autofocus
        cube = scan.read()
    geometry = cube.geometry
    assert geometry.reference_range_m is not None
    np.testing.assert_array_equal(geometry.pairs, np.repeat(np.arange(21)[:, None], 2, axis=1))
    distance = np.linalg.norm(geometry.transmitters_m - POINT, axis=1)
    delay = 2 * (distance - geometry.reference_range_m)
    k = 2 * np.pi * geometry.frequencies_hz[:, None] / C
    coherent = abs((cube.samples[0] * np.exp(1j * k * delay)).mean())
    assert coherent == pytest.approx(1, abs=1e-3)


def test_frequencies_rounded_to_single_precision_are_even_again(tmp_path: Path) -> None:
    content = fields(autofocus=False)
    exact = content["freq"][:, 0]
    content["freq"] = exact[:, None].astype(np.float32)
    with GotchaScan(write(tmp_path / "scan.mat", content)) as scan:
        found = scan.read().geometry.frequencies_hz
        assert any("even grid" in note for note in scan.info.notes)
    assert np.ptp(np.diff(found)) < 1e-4
    np.testing.assert_allclose(found, exact, atol=float(np.spacing(np.float32(exact.max()))))


def test_frequencies_that_are_uneven_or_exact_stay(tmp_path: Path) -> None:
    content = fields(autofocus=False)
    uneven = content["freq"].astype(np.float32)
    uneven[3] += 20_000
    for freq in (uneven, content["freq"]):
        with GotchaScan(write(tmp_path / "scan.mat", {**content, "freq": freq})) as scan:
            np.testing.assert_array_equal(scan.read().geometry.frequencies_hz, freq[:, 0])
            assert not scan.info.notes


def test_predicate(tmp_path: Path) -> None:
    savemat(tmp_path / "other.mat", {"data": np.ones(3)})
    savemat(tmp_path / "struct.mat", {"data": {"fp": np.ones(3)}})
    savemat(tmp_path / "two.mat", {"data": fields(), "more": 1})
    (tmp_path / "text.mat").write_text("no MATLAB file")
    for path in tmp_path.iterdir():
        assert not is_gotcha(path)


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "scan.mat"
    good = fields()
    text = {key: value for key, value in good.items() if key != "r0"}
    cases: list[tuple[dict[str, Any], str]] = [
        (text, r"scan\.mat must hold the field data\.r0, got .*fp"),
        ({**good, "fp": good["fp"].T}, r"data.fp must have axes \(frequency, pulse\) .*swapped"),
        ({**good, "fp": np.abs(good["fp"])}, "must be complex.* since an image needs the phase"),
        ({**good, "fp": good["fp"][None] * np.ones((2, 1, 1))}, r"axes \(frequency, pulse\), got shape \(2,"),
        ({**good, "fp": np.zeros_like(good["fp"])}, "must hold signal, got only zeros in item 0"),
        ({**good, "fp": "text"}, "data.fp must be an array of numbers, got str"),
        ({**good, "freq": good["freq"] / 1e9}, "must be in Hz, .* look like GHz"),
        ({**good, "freq": good["freq"][::-1]}, "frequencies must ascend"),
        ({**good, "freq": good["freq"][:7]}, "with 7 frequencies and 21 pairs"),
        (
            {**good, "y": good["y"][:, :5]},
            r"data.y must hold one value for each of 21 pulses, got shape \(5,",
        ),
        ({**good, "x": good["x"] * np.nan}, "data.x must be finite real numbers"),
        ({**good, "r0": -good["r0"]}, "reference ranges must be positive"),
        ({**good, "af": {"r_correct": good["r0"]}}, "must hold the field data.af.ph_correct, got r_correct"),
        ({**good, "af": 3.0}, "must hold the field data.af.r_correct, got no struct in data.af"),
    ]
    for content, sentence in cases:
        refused(write(path, content), sentence)
    bad = good["fp"].copy()
    bad[3, 4] = np.nan
    refused(write(path, {**good, "fp": bad}), "got 1 NaN .* at frequency 3, pair 4")


def test_damaged_files(tmp_path: Path) -> None:
    content = write(tmp_path / "whole.mat", fields()).read_bytes()
    for keep in (130, 600, len(content) // 2, len(content) - 40):
        (tmp_path / "short.mat").write_bytes(content[:keep])
        refused(tmp_path / "short.mat", r"short\.mat must (be a complete MATLAB file|hold the variable)")
    (tmp_path / "other.mat").write_bytes(b"\x89PNG")
    refused(tmp_path / "other.mat", "must be a MATLAB file of version 5 or 7.3")


@pytest.mark.parametrize("compressed", [False, True])
def test_no_damaged_byte_does_more_than_be_refused(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "scan.mat"
    savemat(path, {"data": fields()}, do_compression=compressed)
    content = path.read_bytes()
    n_refused = 0
    for place in range(120, min(len(content), 1500), 4):
        path.write_bytes(content[:place] + b"\xd4" + content[place + 1 :])
        try:
            GotchaScan(path).read()
        except ScanError as error:
            assert "\n" not in str(error)
            n_refused += 1
    assert n_refused > 20

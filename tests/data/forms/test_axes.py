"""Arrays whose axes are in another order than the form says are refused where anything can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Measurement
from proxflow.data.sinogram import Sinogram

Outcome = Callable[..., Measurement | str]
Make = Callable[..., Path]


def edited(path: Path, **fields: Any) -> Path:
    sidecar = path.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | fields))
    return path


@pytest.mark.parametrize(
    ("form", "dataset", "axes", "hint"),
    [
        ("proxflow-cartesian", "kspace", (2, 3), r"mask must have shape \(2 or 1, 10, 12\)"),
        ("proxflow-cartesian", "kspace", (1, 2), r"mask must have shape \(2 or 1, 3, 10\)"),
        ("proxflow-cartesian", "kspace", (0, 1), "labels must name 3 items, got 2"),
        ("proxflow-radial", "kspace", (2, 3), r"trajectory must have axes .* \(axes swapped\?\)"),
        ("proxflow-radial", "kspace", (1, 2), r"trajectory must have axes .* as the samples"),
        ("proxflow-radial", "kspace", (0, 1), "labels must name 3 items, got 2"),
        ("proxflow-radial", "trajectory", (0, 1), r"trajectory must have axes .* \(axes swapped\?\)"),
        ("proxflow-radial", "trajectory", (1, 2), r"trajectory must have axes .* \(axes swapped\?\)"),
        (
            "proxflow-frames",
            "kspace",
            (3, 4),
            r"mask must have axes .* of shape \(4, 10, 12\)",
        ),
        (
            "proxflow-frames",
            "kspace",
            (1, 2),
            r"mask must have axes .* of shape \(3, 12, 10\)",
        ),
        ("proxflow-frames", "kspace", (0, 1), r"mask must have axes .* of shape \(2, 12, 10\)"),
        ("proxflow-frame-spokes", "kspace", (3, 4), r"trajectory must have axes .* \(axes swapped\?\)"),
        ("proxflow-frame-spokes", "kspace", (1, 2), r"trajectory must have axes .* as the samples"),
        ("proxflow-frame-spokes", "trajectory", (0, 1), r"trajectory must have axes .* \(axes swapped\?\)"),
        ("proxflow-ct", "samples", (1, 2), "geometry/angles must name 40 .*: the axes look swapped"),
        ("proxflow-ct", "samples", (0, 1), "geometry/angles must name 3 .*: the axes look swapped"),
        ("proxflow-ct", "samples", (0, 2), "labels must name 40 items, got 3"),
        (
            "proxflow-dynamic",
            "samples",
            (1, 2),
            "geometry/angles must name an angle for each of 3 frames x 8",
        ),
        (
            "proxflow-dynamic",
            "samples",
            (2, 3),
            "geometry/angles must name an angle for each of 8 frames x 40",
        ),
        (
            "proxflow-dynamic",
            "samples",
            (0, 1),
            "geometry/angles must name an angle for each of 2 frames x 3",
        ),
        ("proxflow-radar", "samples", (1, 2), r"samples must have axes .* \(frequency and pair swapped\?\)"),
        ("proxflow-radar", "samples", (0, 1), "samples must have axes .* got shape"),
        ("dxchange", "exchange/data", (0, 1), "exchange/theta must name 3 .*: the axes look swapped"),
        ("dxchange", "exchange/data", (0, 2), "exchange/theta must name 40 .*: the axes look swapped"),
        ("nxtomo", "entry/d/data", (0, 1), "image_key must be 3 .*; the axes of the data .* look swapped"),
        ("nxtomo", "entry/d/data", (0, 2), "image_key must be 40 .*; the axes of the data .* look swapped"),
    ],
)
def test_datasets_turned(
    form: str, dataset: str, axes: tuple[int, int], hint: str, make: Make, outcome: Outcome
) -> None:
    path = make(form)
    with h5py.File(path, "r+") as file:
        turned = np.swapaxes(file[dataset][()], *axes)
        del file[dataset]
        file[dataset] = turned
    assert re.search(hint, outcome(path))


def test_fastmri_turned(make: Make, outcome: Outcome) -> None:
    """Its mask or its reference tells; without them nothing does."""
    for name, extra, hint in (
        ("mask", np.ones(10), r"mask must have shape \(12,\), got \(10,\)"),
        ("reconstruction_rss", np.ones((2, 12, 10)), "reconstruction_rss must have 3 slices, got 2"),
    ):
        path = make("fastmri")
        with h5py.File(path, "r+") as file:
            file[name] = extra
            turned = np.swapaxes(file["kspace"][()], *((2, 3) if name == "mask" else (0, 1)))
            del file["kspace"]
            file["kspace"] = turned
        assert re.search(hint, outcome(path))


@pytest.mark.parametrize(
    ("form", "told_by"),
    [
        ("tiff", {}),
        ("numpy-ct", {}),
        ("numpy-dynamic", {"labels": ["a", "b"]}),
        ("numpy-radar", {}),
        ("csv", {}),
        ("numpy-kspace", {"labels": ["a", "b"], "matrix": [12, 10]}),
        ("numpy-radial", {"labels": ["a", "b"]}),
    ],
)
def test_axes_named_in_another_order(
    form: str, told_by: dict[str, Any], make: Make, outcome: Outcome
) -> None:
    path = edited(make(form), **told_by)
    right = json.loads(path.with_suffix(".json").read_text())["axes"]
    assert not isinstance(outcome(path), str)
    for axes in permutations(right):
        if list(axes) != right:
            assert isinstance(outcome(edited(path, axes=axes)), str), axes


@pytest.mark.parametrize(
    ("form", "outer", "name", "hint"),
    [
        ("htc2022", "CtDataFull", "sinogram", "angles must name 40 .*: the axes look swapped"),
        ("gotcha", "data", "fp", r"data.fp must have axes .* \(frequency and pulse swapped\?\)"),
        ("mimo", "EMData", "Values", r"samples must have axes .* \(axes swapped\?\)"),
    ],
)
def test_matlab_arrays_turned(
    form: str, outer: str, name: str, hint: str, make: Make, outcome: Outcome
) -> None:
    path = make(form)
    content = scipy.io.loadmat(path, simplify_cells=True)
    content = {key: value for key, value in content.items() if not key.startswith("__")}
    content[outer][name] = content[outer][name].T
    scipy.io.savemat(path, content)
    assert re.search(hint, outcome(path))


@pytest.mark.parametrize("form", ["csv", "merit"])
def test_tables_turned(form: str, make: Make, outcome: Outcome) -> None:
    path = make(form)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join(column) for column in zip(*rows, strict=True)) + "\n")
    assert re.search(r"samples must have axes .*swapped\?\)", outcome(path))


def test_bart_and_ismrmrd_sizes_turned(make: Make, outcome: Outcome, foreign: SimpleNamespace) -> None:
    path = make("bart")
    path.with_suffix(".hdr").write_text("# Dimensions\n10 12 3 1 1 2\n")
    assert "one of read, phs1, phs2 must be 1, got 10 x 12 x 3" in outcome(path)
    path = make("ismrmrd")
    with h5py.File(path, "r+") as file:
        file["dataset/xml"][0] = foreign.header((1, 10, 12))
    assert "kspace_encode_step_1 must lie in the encoded matrix of 10" in outcome(path)


def test_antennas_turned_are_turned_back(make: Make, outcome: Outcome, same: Callable[..., bool]) -> None:
    """(xyz, antenna) leaves no doubt where there are not three antennas."""
    path = make("numpy-radar")
    whole = outcome(path)
    fields = json.loads(path.with_suffix(".json").read_text())
    turned = {key: np.transpose(fields[key]).tolist() for key in ("transmitters_m", "receivers_m")}
    assert same(outcome(edited(path, **turned)), whole)


@pytest.mark.parametrize("form", ["proxflow-ct", "dxchange", "tiff", "numpy-ct"])
def test_a_square_sinogram_turned(form: str, make: Make, outcome: Outcome) -> None:
    """As many angles as columns: the object, off the centre, must lie beside empty columns."""
    angles = np.linspace(0, 180, 60, endpoint=False)
    u = np.arange(60)[:, None] - 29.5
    chord = 2 * np.sqrt(np.clip(15**2 - (u.T - 8 * np.cos(np.deg2rad(angles))[:, None]) ** 2, 0, None))
    attenuation = np.repeat(0.05 * chord[:, None], 3, axis=1).astype(np.float32)
    turned = attenuation.swapaxes(0, 2).copy()
    found = []
    for samples in (attenuation, turned):
        counts = (100 + 9900 * np.exp(-samples)).astype(np.uint16)
        found.append(outcome(make(form, angles=angles, attenuation=samples, counts=counts)))
    assert isinstance(found[0], Sinogram)
    assert "got empty first and last views" in found[1]
    assert "the axes look swapped (angle and column)" in found[1]


def test_a_measured_sinogram_turned(make: Make, outcome: Outcome) -> None:
    with open_scan("sample://htc2022-ta") as scan:
        measured = scan.read().samples[0]
    for n_views in (560, 180):  # a square, and an arc of 90 degrees
        sound = measured[:n_views]
        for samples, n_angles in ((sound, n_views), (sound.T, sound.shape[1])):
            path = make("numpy-ct")
            np.save(path, samples.astype(np.float32))
            edited(path, axes=["angle", "column"], angles_deg=np.linspace(0, 90, n_angles).tolist())
            assert ("the axes look swapped" in str(outcome(path))) == (samples is not sound)

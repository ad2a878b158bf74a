"""Our own form of a series of projections: exact, lazy, and refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.errors import ScanError
from proxflow.data.readers.dynamic_sinogram_h5 import DynamicSinogramH5Scan
from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5

Refused = Callable[..., None]


@pytest.fixture
def series() -> DynamicSinogram:
    """Everything a series may carry; no two axes of one size but the image's."""
    random = np.random.default_rng(1)
    slab = np.clip(3 - np.abs(np.linspace(-5, 5, 20)), 0, None)
    return DynamicSinogram(
        samples=(slab + 0.01 * random.normal(size=(2, 8, 3, 20))).astype(np.float32),
        angles_rad=random.uniform(0, np.pi, (8, 3)),
        labels=("one", "deux, µ"),
        column_size_mm=0.2,
        axis_column=9.1,
        centre="pixel",
        image_pixel_mm=0.25,
        reference=random.random((2, 8, 6, 7)).astype(np.float32),
        source={"licence": "CC0", "changes": "simulated"},
    )


def read(path: Path, items: list[int] | None = None) -> DynamicSinogram:
    with DynamicSinogramH5Scan(path) as scan:
        return scan.read(items)


def test_round_trip_is_exact(series: DynamicSinogram, tmp_path: Path) -> None:
    bare = DynamicSinogram(series.samples.astype(np.float64), series.angles_rad, series.labels)
    for one in (series, bare):
        path = write_dynamic_sinogram_h5(tmp_path / "s.h5", one)
        found = read(path)
        for field in fields(one):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(one, field.name))
        assert found.samples.dtype == one.samples.dtype
        assert path.read_bytes() == write_dynamic_sinogram_h5(tmp_path / "again.h5", one).read_bytes()
    second = read(write_dynamic_sinogram_h5(tmp_path / "s.h5", series), [1])
    np.testing.assert_array_equal(second.samples[0], series.samples[1])
    assert second.labels == ("deux, µ",)


def test_a_packed_reference_is_exact_to_half_a_level(series: DynamicSinogram, tmp_path: Path) -> None:
    assert series.reference is not None
    path = write_dynamic_sinogram_h5(tmp_path / "s.h5", series, pack_reference=True)
    found = read(path).reference
    assert found is not None and found.dtype == np.float32
    assert 0 < np.abs(found - series.reference).max() <= series.reference.max() / 131070 * 1.01
    np.testing.assert_array_equal(read(path, [1]).reference, found[1:])
    with pytest.raises(ScanError, match="reference must not be negative to be packed, got values down to -0"):
        write_dynamic_sinogram_h5(path, replace(series, reference=series.reference - 1), pack_reference=True)
    np.testing.assert_array_equal(read(path).reference, found)  # what was refused has changed nothing


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"angles_rad": np.zeros((3, 8))}, r"8 frames x 3 views, got 24 of shape \(3, 8\)"),
        ({"angles_rad": np.full((8, 3), 0.3)}, "must differ from projection to projection, got one angle in"),
        ({"angles_rad": np.linspace(0, 180, 24).reshape(8, 3)}, "at most one turn .* looks like degrees"),
        ({"labels": ("a",)}, "labels must name 2 items, got 1"),
        ({"column_size_mm": -1.0}, "column_size_mm must be positive, got -1 mm"),
        ({"axis_column": 900.0}, "axis_column must be near the columns 0 to 19, got 900"),
        ({"reference": np.ones((2, 7, 6, 7))}, r"reference must have shape \(2, 8, y, x\), got"),
        ({"reference": np.full((2, 8, 6, 7), np.nan)}, "reference must be finite, got 672 NaN"),
        ({"samples": np.ones((2, 8, 3, 3), np.float32)}, "samples must have at least 4 columns, got 3"),
        ({"samples": np.ones((8, 3, 20), np.float32)}, r"samples must have axes \(item, frame, view, column"),
        ({"image_pixel_mm": 0.0}, "image_pixel_mm must be positive, got 0"),
    ],
)
def test_the_writer_refuses_what_makes_no_sense(
    series: DynamicSinogram, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ScanError, match=sentence):
        write_dynamic_sinogram_h5(tmp_path / "s.h5", replace(series, **changes))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_files_that_make_no_sense_are_refused(
    series: DynamicSinogram, tmp_path: Path, refused: Refused
) -> None:
    def turned(file: h5py.File, name: str, value: object) -> None:
        del file[name]
        file[name] = value

    changes: list[tuple[Callable[[h5py.File], object], str]] = [
        (lambda f: f.attrs.__setitem__("modality", "ct"), "modality must be ct-dynamic, got ct"),
        (lambda f: f.attrs.__setitem__("centre", "left"), "centre must be one of middle, pixel, got left"),
        (lambda f: f["samples"].__setitem__((0, 3, 1, 2), np.nan), "NaN or Inf samples in item 0, frame 3"),
        (lambda f: f["geometry/angles"].__setitem__((2, 1), np.inf), "the first at frame 2, view 1"),
        (lambda f: turned(f, "geometry/angles", np.zeros(5)), "for each of 8 frames x 3 views, got 5"),
        (
            lambda f: turned(f, "reference", np.ones((2, 8, 6, 7), np.uint16)),
            "reference in uint16 must have a positive factor, got None",
        ),
        (
            lambda f: turned(f, "reference", np.ones((2, 8, 6, 7), np.int32)),
            "reference must be real floats or uint16, got int32",
        ),
        (lambda f: f.pop("samples"), "must hold the dataset samples"),
    ]
    for change, sentence in changes:
        path = write_dynamic_sinogram_h5(tmp_path / "s.h5", series)
        with h5py.File(path, "r+") as file:
            change(file)
        refused(DynamicSinogramH5Scan, path, sentence)

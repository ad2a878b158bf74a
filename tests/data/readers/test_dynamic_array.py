"""Series in .npy and .npz: with a sidecar, and the bare sinograms of the method's authors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.dynamic_sinogram import FrameGeometry
from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.readers.dynamic_array import DynamicArrayScan
from proxflow.data.schedules import bit_reversed, golden
from proxflow.operators.bilinear_radon import BilinearRadon

Refused = Callable[..., None]
J, P = 32, 16
SLAB = np.clip(3 - np.abs(np.linspace(-5, 5, 20)), 0, None)
SERIES = np.broadcast_to(SLAB, (8, 3, 20)) * np.linspace(1, 2, 24).reshape(8, 3, 1)
THEIRS = partial(DynamicArrayScan, schedule="bit_reversed")


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    """(2 J, P) as the specification describes the released data: clean mirrored, noise flipped."""
    import torch

    y, x = np.mgrid[:J, :J]
    image = 0.07 * ((y - 15) ** 2 + (x - 18) ** 2 < 81) + 0.04 * ((y - 12) ** 2 + (x - 21) ** 2 < 9)
    both = np.concatenate([bit_reversed(P), bit_reversed(P) + np.pi])
    clean = BilinearRadon((J, J), both)(torch.from_numpy(image)).numpy().T
    noise = 5e-3 * clean.max() * np.random.default_rng(2).normal(size=(J, P))
    return np.concatenate([clean[:, :P] + noise, clean[:, P:] + noise[::-1]])


def saved(folder: Path, array: np.ndarray, name: str = "their.npy") -> Path:
    np.save(folder / name, array)
    return folder / name


def described(folder: Path, array: np.ndarray = SERIES, /, **changes: Any) -> Path:
    content = {
        "modality": "ct-dynamic",
        "axes": ["frame", "view", "column"],
        "angles_deg": {"start": 0, "stop": 180, "count": 24, "endpoint": False},
    } | changes
    path = saved(folder, array, "scan.npy")
    text = json.dumps({key: value for key, value in content.items() if value is not None})
    path.with_suffix(".json").write_text(text)
    return path


def test_the_upper_half_of_a_stack_is_read(stack: np.ndarray, tmp_path: Path) -> None:
    path = saved(tmp_path, stack)
    with open_scan(path, kind="ct-dynamic", schedule="bit_reversed") as scan:
        info, series = scan.info, scan.read()
    assert info.shape == (1, P, 1, J) and info.dtype == "float64"
    np.testing.assert_array_equal(series.samples[0, :, 0], stack[:J].T)
    np.testing.assert_array_equal(series.angles_rad[:, 0], bit_reversed(P))
    assert info.acquisition == FrameGeometry(series.angles_rad, centre="pixel")
    assert info.notes[0].startswith("Angles as scan.schedule bit_reversed has them, one projection a frame")
    assert "Rows 0 to 31 are used: rows 32 to 63 are the same projections" in info.notes[1]


@pytest.mark.parametrize("half", [slice(None, J), slice(J, None)])
def test_a_sinogram_alone_is_read_whole(stack: np.ndarray, half: slice, tmp_path: Path) -> None:
    with DynamicArrayScan(saved(tmp_path, stack[half]), "golden") as scan:
        series = scan.read()
        assert len(scan.info.notes) == 1
    np.testing.assert_array_equal(series.samples[0, :, 0], stack[half].T)
    np.testing.assert_array_equal(series.angles_rad[:, 0], golden(P))


def test_noise_of_other_kinds_and_none_is_a_stack_too(stack: np.ndarray, tmp_path: Path) -> None:
    upper, lower = stack[:J], stack[J:]
    independent = lower + 5e-3 * upper.max() * np.random.default_rng(3).normal(size=lower.shape)
    for other in (upper[::-1], independent):
        with THEIRS(saved(tmp_path, np.concatenate([upper, other]))) as scan:
            assert scan.info.shape == (1, P, 1, J)


def test_something_symmetric_is_no_stack(tmp_path: Path) -> None:
    """A disc on the axis: the halves of its own detector mirror each other."""
    s = np.arange(J) - J // 2
    disc = 0.1 * 2 * np.sqrt(np.clip(100.0 - s**2, 0, None))
    with THEIRS(saved(tmp_path, np.tile(disc[:, None], (1, P)))) as scan:
        assert scan.info.shape == (1, P, 1, J)


def test_a_stack_that_is_not_symmetric_is_refused(
    stack: np.ndarray, tmp_path: Path, refused: Refused
) -> None:
    upper, lower = stack[:J], stack[J:]
    sentence = "rows 32 to 63 must be the view at theta . pi, the mirror image of rows 0 to 31, got rows that"
    for other in (upper, np.roll(lower, 3, axis=1), np.roll(lower, 4, axis=0), lower * 0.8):
        refused(THEIRS, saved(tmp_path, np.concatenate([upper, other])), sentence)


def test_bare_arrays_that_make_no_sense(stack: np.ndarray, tmp_path: Path, refused: Refused) -> None:
    hole = stack.copy()
    hole[3, 5] = np.nan
    path = saved(tmp_path, hole)
    refused(THEIRS, path, "attenuation must be finite, got 1 NaN or Inf samples, the first in projection 5")
    for array, sentence in (
        (stack * 1j, "samples must be line integrals in real floats, got complex128"),
        ((100 * stack).astype(int), "samples must be line integrals in real floats, got int64; counts?"),
        (stack[:, :12], "the schedule bit_reversed must have a power of two of projections, got 12"),
        (stack.T, "must show the object in every view .* the axes look swapped"),
        (stack[None], r"must be a sinogram with the detector down and time across, .* shape \(1, 64, 16\)"),
        (stack[:0], "samples must not be empty"),
        (stack * 0, "attenuation must hold signal, got only zeros in item 0"),
    ):
        refused(THEIRS, saved(tmp_path, array), sentence)
    sentence = "must have the angles of its projections in a sidecar, or in the recipe's scan.schedule, got"
    refused(DynamicArrayScan, saved(tmp_path, stack), sentence)
    content = path.read_bytes()
    for keep in (40, 130, len(content) - 4):
        path.write_bytes(content[:keep])
        refused(THEIRS, path, "their.npy must be a complete NumPy file of numbers")


@pytest.mark.parametrize("kind", [None, "mri-cartesian", "ct", "radar"])
def test_a_bare_array_stays_refused_for_other_kinds(stack: np.ndarray, kind: Any, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"their\.npy must have a sidecar their\.yaml with 'axes: "):
        open_scan(saved(tmp_path, stack), kind=kind, schedule="bit_reversed")


def test_everything_a_sidecar_says(tmp_path: Path) -> None:
    np.save(tmp_path / "truth.npy", np.ones((2, 8, 6, 7)))
    np.save(tmp_path / "angles.npy", np.arange(24.0).reshape(8, 3) * 7.5)
    array = np.stack([SERIES, 2 * SERIES]).astype(">f4")
    path = described(
        tmp_path,
        array.transpose(3, 0, 2, 1),
        axes=["column", "item", "view", "frame"],
        angles_deg="angles.npy",
        reference="truth.npy",
        column_size_mm=0.2,
        axis_column=9.25,
        centre="pixel",
        image_pixel_mm=0.4,
        quantity="attenuation",
        labels=["a", "b"],
        source={"licence": "CC0"},
    )
    with open_scan(path) as scan:
        info, series = scan.info, scan.read([1])
    assert info.shape == (2, 8, 3, 20) and info.has_reference and info.source == {"licence": "CC0"}
    np.testing.assert_array_equal(series.samples[0], array[1])
    np.testing.assert_allclose(np.rad2deg(series.angles_rad), np.arange(24).reshape(8, 3) * 7.5)
    assert (series.column_size_mm, series.axis_column, series.centre) == (0.2, 9.25, "pixel")
    assert series.image_pixel_mm == 0.4 and series.labels == ("b",)
    assert series.reference is not None and series.reference.shape == (1, 8, 6, 7)
    assert {file.name for file in info.companions} == {"scan.json", "angles.npy", "truth.npy"}


def test_views_in_a_row_are_grouped(tmp_path: Path) -> None:
    views = SERIES.reshape(24, 20)
    grouped: dict[str, Any] = {"axes": ["view", "column"], "views_per_frame": 3}
    with DynamicArrayScan(described(tmp_path, views, **grouped)) as scan:
        series = scan.read()
    np.testing.assert_array_equal(series.samples[0], SERIES)
    np.testing.assert_allclose(series.angles_rad.ravel(), np.pi * np.arange(24) / 24)
    with DynamicArrayScan(described(tmp_path, views, axes=["view", "column"])) as scan:
        assert scan.info.shape == (1, 24, 1, 20)


def test_a_schedule_of_the_recipe_gives_way_to_the_file_s(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"angles_deg": None}
    for own, expected in (("golden", golden(24)), (None, np.pi * np.arange(24) / 24)):
        with DynamicArrayScan(described(tmp_path, **bare, schedule=own), "linear") as scan:
            np.testing.assert_allclose(scan.info.acquisition.angles_rad.ravel(), expected)  # type: ignore
            assert bool(scan.info.notes) == (own is None)
    with DynamicArrayScan(described(tmp_path), "golden") as scan:
        np.testing.assert_allclose(scan.info.acquisition.angles_rad[1, 0], np.pi / 8)  # type: ignore


def test_an_npz_names_its_arrays(tmp_path: Path, refused: Refused) -> None:
    side = described(tmp_path, angles_deg=None, angles_rad="theta", samples="g", reference="f").with_suffix(
        ".json"
    )
    (tmp_path / "scan.npy").unlink()
    path = tmp_path / "scan.npz"
    theta = np.linspace(0, 3, 24).reshape(8, 3)
    np.savez(path, g=SERIES, theta=theta, f=np.ones((8, 6, 6)))
    with DynamicArrayScan(path) as scan:
        np.testing.assert_array_equal(scan.read().angles_rad, theta)
        assert scan.info.companions == (side,) and scan.read().reference is not None
    np.savez(path, g=SERIES, theta=theta)
    refused(DynamicArrayScan, path, "scan.npz must hold the key f, got g, theta")
    side.unlink()
    refused(THEIRS, path, "must have a sidecar scan.yaml with 'modality: ct-dynamic', axes and angles, got")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"axes": ["frame", "view"]}, "axes must name column"),
        ({"axes": ["item", "column"]}, "axes must name frame or view, whichever time runs along"),
        ({"angles_deg": [0, 10, 20]}, "for each of 8 frames x 3 views, got 3 of shape"),
        ({"angles_deg": None}, "must have the angles of its projections in a sidecar"),
        ({"schedule": "golden"}, "must be given once, .* got angles_deg and schedule"),
        ({"angles_deg": None, "schedule": "bit_reversed"}, "scan.json: the schedule bit_reversed must .* 24"),
        ({"angles_deg": None, "schedule": "spiral"}, "schedule must be one of .*, got spiral"),
        ({"angles_deg": [[0, 1], [2]]}, "angles_deg must be as many for every frame"),
        ({"angles_deg": "../angles.npy"}, "angles must name a file in the sidecar's folder"),
        ({"angles_deg": [0, "x"]}, r"angles_deg\[1\] must be a number, got x"),
        ({"views_per_frame": 2}, "views_per_frame must be left out where axes name the frame, got 2"),
        ({"views_per_frame": 0}, "views_per_frame must be a whole number from 1, got 0"),
        ({"quantity": "counts"}, "quantity must be attenuation for ct-dynamic, got counts; take its"),
        ({"quantity": "light"}, "quantity must be one of attenuation, transmission, counts, got light"),
        ({"centre": "corner"}, "centre must be one of middle, pixel, got corner"),
        ({"reference": "absent.npy"}, "reference must name a file in the sidecar's folder, got absent.npy"),
        ({"column_size_mm": "1 mm"}, "column_size_mm must be a number, got 1 mm"),
        ({"column_size_mm": 1e4}, "column_size_mm must be 1e-06 to 100 mm"),
        ({"labels": ["a", "b"]}, "labels must be a list naming 1 items"),
        ({"angle_deg": [1]}, "key must be one of .*, got angle_deg; did you mean angles_deg"),
        ({"modality": "ct-dynamics"}, "modality must be ct-dynamic, got ct-dynamics"),
    ],
)
def test_wrong_sidecars(tmp_path: Path, refused: Refused, changes: dict[str, Any], sentence: str) -> None:
    refused(DynamicArrayScan, described(tmp_path, **changes), sentence)


def test_views_that_do_not_fill_frames(tmp_path: Path, refused: Refused) -> None:
    path = described(tmp_path, SERIES.reshape(24, 20), axes=["view", "column"], views_per_frame=5)
    refused(DynamicArrayScan, path, "views_per_frame must divide the 24 views of scan.npy, got 5")

"""TIFF stacks: folders and multi-page files, row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

from proxflow.data.readers.tiff_stack import TiffStackScan

Refused = Callable[..., None]


def sidecar(path: Path, **changes: Any) -> None:
    content = {
        "modality": "ct",
        "axes": ["angle", "row", "column"],
        "quantity": "counts",
        "angles_deg": {"start": 0, "stop": 165, "count": 12},
    } | changes
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))


@pytest.fixture
def stack(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write a multi-page file with its sidecar."""

    def write(array: Any = None, *, options: dict[str, Any] | None = None, **changes: Any) -> Path:
        tifffile.imwrite(
            tmp_path / "scan.tif",
            ct.counts if array is None else array,
            photometric="minisblack",
            **options or {},
        )
        sidecar(tmp_path / "scan.yaml", **changes)
        return tmp_path / "scan.tif"

    return write


@pytest.fixture
def folder(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write a folder of single pages without leading zeros, its sidecar beside it."""

    def write(array: Any = None, **changes: Any) -> Path:
        place = tmp_path / "v1.2 größe"
        place.mkdir(exist_ok=True)
        for number, page in enumerate(ct.counts if array is None else array):
            tifffile.imwrite(place / f"proj_{number + 1}.tiff", page, photometric="minisblack")
        (place / "notes.txt").write_text("not a page")
        sidecar(tmp_path / "v1.2 größe.yaml", **changes)
        return place

    return write


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "zlib"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 2},
    ],
)
def test_multi_page_rows(stack: Callable[..., Path], ct: SimpleNamespace, options: dict[str, Any]) -> None:
    with TiffStackScan(stack(options=options)) as scan:
        info = scan.info
        assert (info.shape, info.dtype, info.quantity) == ((3, 12, 40), "uint16", "counts")
        assert "no flat field" in info.notes[0]
        for rows in (None, [1], [2, 0], [1, 2]):
            wanted = ct.counts[:, [0, 1, 2] if rows is None else rows].transpose(1, 0, 2)
            np.testing.assert_array_equal(scan.read(rows).samples, wanted)


def test_folder_in_natural_order(folder: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "dark.tif", ct.dark, photometric="minisblack")
    tifffile.imwrite(tmp_path / "flat.tif", ct.flat[0], photometric="minisblack")
    with TiffStackScan(folder(dark="dark.tif", flat="flat.tif")) as scan:
        read = scan.read([2, 1])
        assert scan.info.has_fields
        assert len(scan.info.companions) == 1 + 12 + 2
    np.testing.assert_array_equal(read.samples, ct.counts[:, [2, 1]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.dark, ct.dark[:, [2, 1]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.flat, ct.flat[:1, [2, 1]].transpose(1, 0, 2))


@pytest.mark.parametrize(
    "axes",
    [
        ("row", "angle", "column"),
        ("row", "column", "angle"),
        ("angle", "column", "row"),
        ("angle", "row", "column"),
    ],
)
def test_pages_of_sinograms_and_turned_pages(
    stack: Callable[..., Path], ct: SimpleNamespace, axes: tuple[str, ...]
) -> None:
    order = [("angle", "row", "column").index(axis) for axis in axes]
    with TiffStackScan(stack(ct.counts.transpose(order), axes=list(axes))) as scan:
        for rows in ([0, 1, 2], [2, 0]):
            np.testing.assert_array_equal(scan.read(rows).samples, ct.counts[:, rows].transpose(1, 0, 2))


def test_one_sinogram(stack: Callable[..., Path], ct: SimpleNamespace) -> None:
    for array, axes in (
        (ct.attenuation[:, 1], ["angle", "column"]),
        (ct.attenuation[:, 1].T, ["column", "angle"]),
    ):
        with TiffStackScan(stack(array, axes=axes, quantity="attenuation")) as scan:
            np.testing.assert_array_equal(scan.read().samples[0], ct.attenuation[:, 1])


def test_only_the_rows_asked_for_are_read(stack: Callable[..., Path], ct: SimpleNamespace) -> None:
    floats = ct.counts.astype(np.float32)
    floats[:, 0] = np.nan
    with TiffStackScan(stack(floats)) as scan:
        np.testing.assert_array_equal(scan.read([1]).samples[0], ct.counts[:, 1])


def test_wrong_stacks(stack: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    refused(
        TiffStackScan,
        stack(ct.counts.transpose(1, 0, 2)),
        "angles_deg must name 3 angles .*axes look swapped",
    )
    refused(TiffStackScan, stack(ct.counts[:7]), "angles_deg must name 7 angles .*got 12")
    refused(
        TiffStackScan,
        stack(axes=["column", "row", "angle"]),
        "axes of TIFF pages must begin with angle or row",
    )
    refused(TiffStackScan, stack(axes=["angle", "column"]), "must hold one page for axes .* got 12")
    refused(TiffStackScan, stack(quantity="attenuation"), "must be line integrals in floats, got uint16")
    refused(TiffStackScan, stack(ct.attenuation), "must be detector counts, got floats")
    rgb = np.zeros((12, 9, 40, 3), np.uint8)
    with tifffile.TiffWriter(stack().with_name("rgb.tif")) as file:
        for page in rgb:
            file.write(page, photometric="rgb")
    path = stack()
    path.write_bytes(path.with_name("rgb.tif").read_bytes())
    refused(TiffStackScan, path, "must hold grey images")
    bad = ct.counts.astype(np.float32)
    bad[4, 2, 7] = np.nan
    refused(TiffStackScan, stack(bad), "counts must be finite, got 1 NaN or Inf samples in item 2, angle 4")
    with tifffile.TiffWriter(path) as file:
        file.write(ct.counts[0], photometric="minisblack")
        file.write(ct.counts[0][:, :30], photometric="minisblack")
    refused(TiffStackScan, path, r"page 1 must be \(3, 40\) of uint16 as the first, got \(3, 30\)")
    stack().with_suffix(".yaml").unlink()
    refused(TiffStackScan, path, "must have a sidecar scan.yaml")


def test_wrong_folders(
    folder: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path, refused: Refused
) -> None:
    place = folder()
    tifffile.imwrite(place / "proj_5.tiff", ct.counts[0][:2], photometric="minisblack")
    refused(
        TiffStackScan, place, r"proj_5.tiff: page 0 must be \(3, 40\) of uint16 as the first, got \(2, 40\)"
    )
    tifffile.imwrite(place / "proj_5.tiff", ct.counts[:2], photometric="minisblack")
    refused(TiffStackScan, place, "proj_5.tiff must hold one page in a folder, got 2")
    (place / "proj_5.tiff").write_bytes((place / "proj_4.tiff").read_bytes()[:50])
    refused(TiffStackScan, place, "proj_5.tiff must be a complete TIFF file")
    (place / "proj_5.tiff").unlink()
    refused(TiffStackScan, place, "angles_deg must name 11 angles .*got 12")
    outside = tmp_path / "elsewhere.tiff"
    tifffile.imwrite(outside, ct.counts[4], photometric="minisblack")
    (place / "proj_5.tiff").symlink_to(outside)
    refused(TiffStackScan, place, "proj_5.tiff must be a file in the folder itself, got a link out of it")
    (tmp_path / "v1.2 größe.yaml").unlink()
    (place / "proj_5.tiff").unlink()
    refused(TiffStackScan, place, "must have a sidecar v1.2 größe.yaml")
    for file in place.glob("*.tiff"):
        file.unlink()
    refused(TiffStackScan, place, "must hold TIFF files, got none")


def test_fields(stack: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path, refused: Refused) -> None:
    tifffile.imwrite(tmp_path / "dark.tif", ct.dark[:, :, :39], photometric="minisblack")
    refused(
        TiffStackScan,
        stack(dark="dark.tif"),
        r"dark.tif: dark must have shape \(n, 3, 40\), got \(4, 3, 39\)",
    )
    (tmp_path / "dark.tif").write_text("nothing")
    refused(TiffStackScan, stack(dark="dark.tif"), "dark.tif must be a TIFF file, as the dark of a TIFF scan")
    tifffile.imwrite(tmp_path / "flat.tif", ct.dark, photometric="minisblack")
    tifffile.imwrite(tmp_path / "dark.tif", ct.flat, photometric="minisblack")
    refused(TiffStackScan, stack(dark="dark.tif", flat="flat.tif"), "flat must be brighter than dark")


def test_damaged_files(stack: Callable[..., Path], refused: Refused) -> None:
    for options in ({}, {"compression": "zlib"}):
        path = stack(options=options)
        content = path.read_bytes()
        for keep in (3, 40, len(content) // 2, len(content) - 50):
            path.write_bytes(content[:keep])
            refused(TiffStackScan, path, "scan.tif.* must |angles_deg must name")
    path.write_bytes(b"II*\0" + b"\xff" * 200)
    refused(TiffStackScan, path, "scan.tif must be a complete TIFF file|must hold")


def test_a_declared_size_the_file_cannot_hold(stack: Callable[..., Path], refused: Refused) -> None:
    path = stack(
        np.ones((1, 40, 40), np.uint16), axes=["row", "angle", "column"], options={"compression": "zlib"}
    )
    with tifffile.TiffFile(path, mode="r+b") as file:
        for tag in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[tag].overwrite(2_000_000_000)
    refused(TiffStackScan, path, "page 0 must fit its file, got .* declared bytes|must be a complete TIFF")

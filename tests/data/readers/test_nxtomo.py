"""NXtomo files: one stack of projections, flat and dark frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.readers.nxtomo import NxtomoScan, is_nxtomo

Refused = Callable[..., None]
KEYS = np.array([2, 2, 1, 1, *[0] * 7, 3, *[0] * 5, 1, 2])


@pytest.fixture
def nx(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write a file with frames interleaved as KEYS has them; ``changes`` replace datasets, None drops one."""

    def write(
        entry: str = "entry", units: str | None = "deg", name: str = "scan.nxs", **changes: Any
    ) -> Path:
        data = np.zeros((len(KEYS), 3, 40), np.uint16)
        angles = np.zeros(len(KEYS))
        data[KEYS == 0], data[KEYS == 1], data[KEYS == 2] = ct.counts, ct.flat[:3], ct.dark[:3]
        angles[KEYS == 0] = ct.angles_deg
        content = {"data": data, "image_key": KEYS, "rotation_angle": angles} | changes
        with h5py.File(tmp_path / name, "w") as file:
            group = file.create_group(entry)
            parts = entry.split("/")
            for depth in range(1, len(parts) + 1):
                kind = "NXentry" if depth == 1 else "NXsubentry"
                file["/".join(parts[:depth])].attrs["NX_class"] = kind
            group["definition"] = "NXtomo"
            group.create_group("beamline").attrs["NX_class"] = "NXinstrument"
            group.create_group("beamline/camera").attrs["NX_class"] = "NXdetector"
            group.create_group("tooth").attrs["NX_class"] = "NXsample"
            for key, value in content.items():
                if value is not None:
                    group[f"tooth/{key}" if key == "rotation_angle" else f"beamline/camera/{key}"] = value
            if units and content["rotation_angle"] is not None:
                group["tooth/rotation_angle"].attrs["units"] = units
        return tmp_path / name

    return write


@pytest.mark.parametrize("entry", ["entry", "entry1/tomo_entry", "entrée"])
def test_frames_are_told_apart(nx: Callable[..., Path], ct: SimpleNamespace, entry: str) -> None:
    path = nx(entry)
    with h5py.File(path, "r+") as file:
        assert is_nxtomo(file)
        camera = file[f"{entry}/beamline/camera"]
        for key, value, unit in (("x_pixel_size", 6.5, "um"), ("y_pixel_size", 0.007, "mm")):
            camera[key] = value
            camera[key].attrs["units"] = unit
        camera["distance"] = 0.25
    with NxtomoScan(path) as scan:
        info, read = scan.info, scan.read([1, 2, 0])
    assert (info.shape, info.quantity, info.has_fields) == ((3, 12, 40), "counts", True)
    assert info.notes == ("1 frames that the file calls invalid are left out.",)
    np.testing.assert_array_equal(read.samples, ct.counts[:, [1, 2, 0]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.flat, ct.flat[:3, [1, 2, 0]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.dark, ct.dark[:3, [1, 2, 0]].transpose(1, 0, 2))
    np.testing.assert_allclose(read.geometry.angles_rad, np.deg2rad(ct.angles_deg))
    assert read.geometry.column_size_mm == pytest.approx(0.0065)
    assert read.geometry.row_size_mm == pytest.approx(0.007)
    assert info.source == {"entry": entry, "detector_distance_mm": "250"}


def test_angle_units(nx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    radians = np.zeros(len(KEYS))
    radians[KEYS == 0] = np.deg2rad(ct.angles_deg)
    with NxtomoScan(nx(units="rad", rotation_angle=radians)) as scan:
        np.testing.assert_array_equal(scan.info.acquisition.angles_rad, np.deg2rad(ct.angles_deg))
    refused(NxtomoScan, nx(units="radian"), "rotation_angle must span at most one turn .*looks like degrees")
    refused(NxtomoScan, nx(units="mm"), "rotation_angle must be degrees or radians, got mm")
    refused(NxtomoScan, nx(rotation_angle=ct.angles_deg[:5]), "must name 19 angles .*got 5")
    refused(NxtomoScan, nx(rotation_angle=ct.angles_deg[:3]), "got 3, the size of the row axis: .*swapped")


def test_missing_and_wrong(nx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    refused(NxtomoScan, nx(data=None), "beamline/camera/data must be stored in the file itself, got nothing")
    refused(NxtomoScan, nx(image_key=None), "image_key must be stored in the file itself, got nothing")
    refused(NxtomoScan, nx(rotation_angle=None), "rotation_angle must be stored .* got nothing")
    refused(NxtomoScan, nx(image_key=KEYS[1:]), "image_key must be 19 integers, one per frame, got")
    refused(NxtomoScan, nx(image_key=KEYS + 0.5), "image_key must be 19 integers, one per frame, got float64")
    refused(NxtomoScan, nx(image_key=np.where(KEYS == 3, 7, KEYS)), "image_key must be 0, 1, 2 or 3, got 7")
    refused(NxtomoScan, nx(image_key=np.ones(19, int)), "must mark projections with 0, got none of 19")
    refused(NxtomoScan, nx(data=np.ones((19, 40))), r"must have axes \(frame, row, column\)")
    path = nx()
    with h5py.File(path, "r+") as file:
        file["entry/tooth"].attrs["NX_class"] = "NXnote"
    refused(NxtomoScan, path, "entry must hold an NXsample, got none")
    with h5py.File(path, "r+") as file:
        del file["entry/definition"]
        assert not is_nxtomo(file)
    refused(NxtomoScan, path, "must be NeXus with an NXtomo entry, got the top-level keys entry")


def test_nan_names_row_and_angle(nx: Callable[..., Path], refused: Refused) -> None:
    with h5py.File(nx()) as file:
        data = file["entry/beamline/camera/data"][:].astype(np.float32)
    data[12, 2, 0] = np.nan  # the eighth projection: four fields and one invalid frame come before it
    refused(NxtomoScan, nx(data=data), "counts must be finite, got 1 NaN or Inf samples in item 2, angle 7")


def test_no_fields_is_noted(nx: Callable[..., Path]) -> None:
    with NxtomoScan(nx(image_key=np.where(KEYS == 0, 0, 3))) as scan:
        assert not scan.info.has_fields
        assert scan.info.notes[-1] == "The file has no flat and no dark frames."


def test_links_and_truncation(nx: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    other = nx(name="other.nxs")
    for link in (
        h5py.ExternalLink(str(other), "entry/beamline/camera/data"),
        h5py.SoftLink("/entry/definition"),
    ):
        path = nx()
        with h5py.File(path, "r+") as file:
            del file["entry/beamline/camera/data"]
            file["entry/beamline/camera/data"] = link
        refused(NxtomoScan, path, "camera/data must be stored in the file itself, got an? ")
    layout = h5py.VirtualLayout((19, 3, 40), np.uint16)
    layout[...] = h5py.VirtualSource(str(other), "entry/beamline/camera/data", (19, 3, 40))
    path = nx(data=None)
    with h5py.File(path, "r+") as file:
        file.create_virtual_dataset("entry/beamline/camera/data", layout)
    refused(NxtomoScan, path, "camera/data must be stored in the file itself, got storage in other files")
    with h5py.File(tmp_path / "linked.nxs", "w") as file:
        file["entry"] = h5py.ExternalLink(str(other), "entry")
    refused(
        NxtomoScan, tmp_path / "linked.nxs", "entry must be stored in the file itself, got an external link"
    )
    content = other.read_bytes()
    (tmp_path / "short.nxs").write_bytes(content[: len(content) // 2])
    refused(NxtomoScan, tmp_path / "short.nxs", "must be a complete HDF5 file")

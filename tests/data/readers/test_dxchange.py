"""Data Exchange files, good ones row by row and bad ones in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.readers.dxchange import DxchangeScan, is_dxchange

Refused = Callable[..., None]
DETECTOR = "measurement/instrument/detector"


@pytest.fixture
def dx(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write a file; ``changes`` replace datasets by name, None leaves one out, ``units`` are theta's."""

    def write(units: str | None = "degrees", name: str = "scan.h5", **changes: Any) -> Path:
        content = {"data": ct.counts, "data_dark": ct.dark, "data_white": ct.flat, "theta": ct.angles_deg}
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in (content | changes).items():
                if value is not None:
                    file[f"exchange/{key}"] = value
            if units is not None and "exchange/theta" in file:
                file["exchange/theta"].attrs["units"] = units
        return tmp_path / name

    return write


def test_rows_become_items(dx: Callable[..., Path], ct: SimpleNamespace) -> None:
    path = dx(name="Zahn µ 歯.h5")
    with h5py.File(path, "r+") as file:
        assert is_dxchange(file)
        file["exchange/title"] = "Zahn"
        for axis, size in (("x", 0.65e-6), ("y", 1.3e-6)):
            file[f"{DETECTOR}/{axis}_pixel_size"] = size
        file[f"{DETECTOR}/y_pixel_size"].attrs["units"] = "m"
    with DxchangeScan(path) as scan:
        info, read = scan.info, scan.read([2, 0])
    assert (info.shape, info.axes, info.dtype) == ((3, 12, 40), ("item", "angle", "column"), "uint16")
    assert (info.modality, info.quantity, info.has_fields, info.notes) == ("ct", "counts", True, ())
    assert info.source == {"title": "Zahn"}
    np.testing.assert_array_equal(read.samples, ct.counts[:, [2, 0]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.dark, ct.dark[:, [2, 0]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.flat, ct.flat[:, [2, 0]].transpose(1, 0, 2))
    assert read.labels == ("row 2", "row 0")
    assert read.geometry.beam == "parallel"
    np.testing.assert_allclose(read.geometry.angles_rad, np.deg2rad(ct.angles_deg))
    assert read.geometry.column_size_mm == pytest.approx(0.65e-3)
    assert read.geometry.row_size_mm == pytest.approx(1.3e-3)


@pytest.mark.parametrize("chunks", [None, (1, 3, 40), (12, 1, 40), (5, 2, 7)])
def test_any_chunking_reads_alike(
    dx: Callable[..., Path], ct: SimpleNamespace, chunks: tuple | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxflow.data.readers.projections.MAX_BLOCK_BYTES", 200)  # many small blocks
    path = dx(data=None)
    with h5py.File(path, "r+") as file:
        file.create_dataset("exchange/data", data=ct.counts.astype(">u2"), chunks=chunks)
    with DxchangeScan(path) as scan:
        for rows in ([0, 1, 2], [1], [2, 1], [0, 2]):
            samples = scan.read(rows).samples
            assert samples.dtype == np.uint16
            np.testing.assert_array_equal(samples, ct.counts[:, rows].transpose(1, 0, 2))


def test_units_of_theta(dx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    radians = np.linspace(0, np.pi, 200)
    data = np.repeat(ct.counts, 17, axis=0)[:200]
    with DxchangeScan(dx("rad", data=data, theta=radians)) as scan:
        np.testing.assert_array_equal(scan.info.acquisition.angles_rad, radians)
    with DxchangeScan(dx(None, data=data, theta=radians)) as scan:  # no unit stated: detected, and said
        np.testing.assert_array_equal(scan.info.acquisition.angles_rad, radians)
        assert "taken as radians" in scan.info.notes[0]
    with DxchangeScan(dx(None)) as scan:
        np.testing.assert_allclose(scan.info.acquisition.angles_rad, np.deg2rad(ct.angles_deg))
    refused(DxchangeScan, dx(data=data, theta=radians), "must be in degrees as stated.* looks like radians")
    refused(DxchangeScan, dx("rad"), "must span at most one turn .*got 0 to 165, which looks like degrees")
    refused(DxchangeScan, dx("gon"), "units of exchange/theta must be degrees or radians, got gon")


def test_order_and_repeats_of_theta(dx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    with DxchangeScan(dx(theta=ct.angles_deg[::-1])) as scan:
        assert "descend from 165 to 0 degrees and are used as they are" in scan.info.notes[0]
        assert scan.info.acquisition.angles_rad[0] == pytest.approx(np.deg2rad(165))
    with DxchangeScan(dx(theta=ct.angles_deg * 111.2 % 180)) as scan:
        assert "no ascending order" in scan.info.notes[0]
    twice = np.repeat(ct.angles_deg[:6], 2)
    with DxchangeScan(dx(theta=twice)) as scan:
        assert scan.info.notes[0] == "6 of 12 views repeat an angle of another view."
    refused(DxchangeScan, dx(theta=np.zeros(12)), "must differ from view to view, got one angle in 12")


def test_swapped_axes_are_named(dx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    refused(
        DxchangeScan,
        dx(data=ct.counts.transpose(1, 0, 2), data_dark=None, data_white=None),
        r"theta must name 3 angles for axes \(angle, row, column\) of shape \(3, 12, 40\), got 12, the size "
        "of the row axis: the axes look swapped",
    )
    refused(DxchangeScan, dx(theta=ct.angles_deg[:11]), r"must name 12 angles .*got 11$")
    refused(DxchangeScan, dx(data=ct.counts[:, 0]), r"must have axes \(angle, row, column\), got shape")
    path = dx()
    with h5py.File(path, "r+") as file:
        file["exchange/data"].attrs["axes"] = "y:theta:x"
    refused(DxchangeScan, path, "axes of exchange/data must be theta:y:x, got y:theta:x")


def test_missing_and_misshapen(dx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    refused(DxchangeScan, dx(data=None), "must be Data Exchange with exchange/data, got the top-level keys")
    refused(DxchangeScan, dx(theta=None), "exchange/theta must be stored in the file itself, got nothing")
    refused(DxchangeScan, dx(data_dark=ct.dark[..., :39]), r"data_dark must have shape \(n, 3, 40\), got")
    refused(DxchangeScan, dx(data_white=ct.flat[:, :1]), r"data_white must have shape \(n, 3, 40\), got")
    refused(DxchangeScan, dx(data=ct.counts[:0]), "exchange/data must not be empty")
    refused(
        DxchangeScan, dx(data=ct.counts.astype(complex)), "must be real floats or integers, got complex128"
    )
    refused(DxchangeScan, dx(theta=np.array([b"a"] * 12)), "theta must be a list of real numbers, got")
    refused(DxchangeScan, dx(theta=np.r_[ct.angles_deg[:11], np.nan]), "must be finite, got 1 .* at angle 11")
    with DxchangeScan(dx(data_dark=None, data_white=None)) as scan:
        assert not scan.info.has_fields
        assert scan.info.notes == ("The file has no exchange/data_dark and no exchange/data_white.",)
        assert scan.read().flat is None
    path = dx()
    with h5py.File(path, "r+") as file:
        file[f"{DETECTOR}/x_pixel_size"] = 1.0
        file[f"{DETECTOR}/x_pixel_size"].attrs["units"] = "inch"
    refused(DxchangeScan, path, "x_pixel_size must be m, cm, mm, um or nm, got inch")
    with h5py.File(path, "r+") as file:
        file[f"{DETECTOR}/x_pixel_size"].attrs["units"] = "µm"
        file[f"{DETECTOR}/x_pixel_size"][...] = -5
    refused(DxchangeScan, path, "x_pixel_size must be positive, got -0.005 mm")


def test_values_that_are_no_counts(dx: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    floats = ct.counts.astype(np.float32)
    for value in (np.nan, np.inf):
        bad = floats.copy()
        bad[5, 1, 3:5] = value
        path = dx(data=bad)
        refused(DxchangeScan, path, "counts must be finite, got 2 NaN or Inf samples in item 1, angle 5")
        with DxchangeScan(path) as scan:
            scan.read([0, 2])  # the other rows are sound
    attenuation = ct.attenuation
    refused(
        DxchangeScan, dx(data=attenuation), r"must be detector counts, got floats .* attenuation \(item 0\)"
    )
    refused(DxchangeScan, dx(data=-floats), r"counts must .* \(item 0\)")
    refused(
        DxchangeScan, dx(data_white=ct.dark, data_dark=ct.flat), "flat must be brighter than dark.*swapped"
    )
    saturated = np.full_like(ct.counts, 65535)
    saturated[:, :, :30] = 3
    refused(DxchangeScan, dx(data=saturated), "below the detector's limit, got 25% .* 65535")
    refused(DxchangeScan, dx(data=np.zeros_like(ct.counts)), "must hold signal, got only zeros in item 0")


def test_damage_links_and_forged_sizes(dx: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    content = dx().read_bytes()
    for keep in (9, 600, len(content) // 2, len(content) - 1):
        (tmp_path / "short.h5").write_bytes(content[:keep])
        refused(DxchangeScan, tmp_path / "short.h5", "must be a (complete|readable) HDF5 file")
    other = dx(name="other.h5")
    for key in ("data", "theta", "data_white"):
        for link in (h5py.ExternalLink(str(other), f"/exchange/{key}"), h5py.SoftLink("/exchange/data_dark")):
            path = dx()
            with h5py.File(path, "r+") as file:
                del file[f"exchange/{key}"]
                file[f"exchange/{key}"] = link
            refused(DxchangeScan, path, f"exchange/{key} must be stored in the file itself, got an? ")
    path = dx(data=None)
    with h5py.File(path, "r+") as file:
        file.create_dataset("exchange/data", (10**6, 4096, 4096), "u2", chunks=(1, 8, 8))
    refused(DxchangeScan, path, "exchange/data must fit its file, got .* declared bytes")

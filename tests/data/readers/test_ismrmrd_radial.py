"""ISMRMRD along a trajectory: units found by reach, items, noise, geometry; what is no such file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import ismrmrd
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.ismrmrd_radial import RadialIsmrmrdScan, is_radial_ismrmrd

RANDOM = np.random.default_rng(8)
SPOKES, READOUT, COILS = 7, 64, 3
ANGLES = np.linspace(0, np.pi, SPOKES, endpoint=False)[:, None]
# (kx, ky) in cycles/sample: ISMRMRD's first trajectory dimension is x.
CYCLES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1) * np.linspace(-0.5, 0.5, READOUT)[:, None]
SAMPLES = (
    RANDOM.normal(size=(2, SPOKES, COILS, READOUT)) + 1j * RANDOM.normal(size=(2, SPOKES, COILS, READOUT))
).astype(np.complex64)
MATRIX, VOXEL = (1, 32, 32), (5.0, 1.5, 1.5)


def readout(data: np.ndarray, trajectory: np.ndarray, **fields: Any) -> ismrmrd.Acquisition:
    flags = fields.pop("flags", ())
    acquisition = ismrmrd.Acquisition.from_array(
        np.ascontiguousarray(data, np.complex64), np.ascontiguousarray(trajectory, np.float32)
    )
    acquisition.center_sample = data.shape[1] // 2
    for flag in flags:
        acquisition.set_flag(flag)
    for name, value in fields.items():
        target = acquisition.idx if hasattr(acquisition.idx, name) else acquisition
        if np.ndim(value):
            getattr(target, name)[:] = value
        else:
            setattr(target, name, value)
    return acquisition


def header(foreign: SimpleNamespace, trajectory: str = "radial", **options: Any) -> bytes:
    """Twice the field of view is encoded along the readout, the image is 32 x 32."""
    return foreign.header(MATRIX, oversampling=2, voxel=VOXEL, trajectory=trajectory, **options)


def spokes(trajectory: np.ndarray, items: int = 2, **fields: Any) -> list[ismrmrd.Acquisition]:
    return [
        readout(SAMPLES[item, spoke], trajectory[spoke], kspace_encode_step_1=spoke, slice=item, **fields)
        for spoke in range(SPOKES)
        for item in range(items)
    ]


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, RadialIsmrmrdScan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("cycles/sample", 1.0),
        ("rad/sample", 2 * np.pi),
        ("cycles per encoded field of view", 64.0),
        ("cycles/m", 1 / 1.5e-3),
        ("rad/m", 2 * np.pi / 1.5e-3),
    ],
)
@pytest.mark.parametrize("kind", ["radial", "goldenangle", "spiral", "other"])
def test_every_unit_becomes_cycles_per_field_of_view(
    foreign: SimpleNamespace, tmp_path: Path, unit: str, scale: float, kind: str
) -> None:
    path = foreign.ismrmrd(tmp_path / "scan.h5", header(foreign, kind), spokes(CYCLES * scale))
    with h5py.File(path) as file:
        assert is_radial_ismrmrd(file)
    with RadialIsmrmrdScan(path) as scan:
        assert scan.info.shape == (2, COILS, SPOKES, READOUT)
        assert scan.info.modality == "mri-radial"
        assert f"Trajectory taken as {unit}, by its reach and the encoded matrix." in scan.info.notes
        read, second = scan.read(), scan.read([1])
    np.testing.assert_array_equal(read.samples, SAMPLES.transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(second.samples, SAMPLES[1:].transpose(0, 2, 1, 3))
    np.testing.assert_allclose(read.trajectory, CYCLES[..., ::-1] * 32, atol=1e-4)
    assert read.geometry.matrix == (32, 32)
    assert read.geometry.voxel_size_mm == VOXEL
    assert read.labels == ("slice 0", "slice 1")


def test_noise_navigators_discarded_samples_and_geometry(foreign: SimpleNamespace, tmp_path: Path) -> None:
    where = {"read_dir": (1, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1), "sample_time_us": 10.0}
    cut = {"discard_pre": 4, "discard_post": 2}
    noise = readout(SAMPLES[0, 0], np.zeros((READOUT, 0)), flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))
    noise.sample_time_us = 2.5
    other = readout(SAMPLES[0, 0], CYCLES[0], flags=(ismrmrd.ACQ_IS_NAVIGATION_DATA,))
    lines = [noise, other, *spokes(CYCLES, items=1, position=(10, -20, 30), **where, **cut)]
    path = foreign.ismrmrd(tmp_path / "scan.h5", header(foreign), lines)
    with RadialIsmrmrdScan(path) as scan:
        assert scan.info.has_noise
        assert scan.info.notes[0].startswith("1 navigator")
        read = scan.read()
    np.testing.assert_array_equal(read.samples[0], SAMPLES[0].transpose(1, 0, 2)[..., 4:-2])
    np.testing.assert_allclose(read.trajectory, CYCLES[:, 4:-2, ::-1] * 32, atol=1e-4)
    np.testing.assert_allclose(read.noise, SAMPLES[0, 0] * 0.5, rtol=1e-6)  # half the bandwidth's root
    np.testing.assert_allclose(np.array(read.geometry.affine) @ [16, 16, 0, 1], [-10, 20, 30, 1])


def test_a_cartesian_file_is_left_to_its_reader(foreign: SimpleNamespace, tmp_path: Path) -> None:
    path = foreign.ismrmrd(tmp_path / "scan.h5", header(foreign, "cartesian"), spokes(CYCLES))
    with h5py.File(path) as file:
        assert not is_radial_ismrmrd(file)
    refused(path, "trajectory must be one of radial, goldenangle, spiral, other, got cartesian")
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file["kspace"] = np.ones(3)
        assert not is_radial_ismrmrd(file)
    refused(tmp_path / "none.h5", "must be ISMRMRD with dataset/xml and dataset/data")


def test_what_makes_no_radial_scan(foreign: SimpleNamespace, tmp_path: Path) -> None:
    good = header(foreign)
    turned = spokes(CYCLES[::-1], items=1)
    for line in turned:
        line.idx.slice = 1
    flat = [readout(SAMPLES[0, i], np.zeros((READOUT, 0)), kspace_encode_step_1=i) for i in range(SPOKES)]
    spatial = np.concatenate([CYCLES, CYCLES[..., :1]], -1)
    thin = header(foreign).replace(b"<z>1</z>", b"<z>4</z>")
    stack = [readout(SAMPLES[0, 0], CYCLES[0], kspace_encode_step_2=i) for i in range(4)]
    noise = readout(SAMPLES[0, 0], CYCLES[0], flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))
    few = readout(SAMPLES[0, 0][:2], CYCLES[0], flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))
    cases = [
        (
            good,
            spokes(CYCLES * 0.2),
            r"must reach the edge .* got values up to .* which fit none of cycles/sample",
        ),
        (good, spokes(CYCLES * 20), "which fit none of"),
        (good, spokes(CYCLES * np.nan), "trajectory must be finite"),
        (
            good,
            flat,
            "acquisition 0 must hold a trajectory of 2 dimensions .* got 0 dimensions and 0 numbers",
        ),
        (good, spokes(spatial, items=1), "must hold a trajectory of 2 dimensions .* got 3 dimensions"),
        (
            good,
            [*spokes(CYCLES, items=1), *turned],
            "must have the trajectory of item 0, got another in item 1",
        ),
        (good, spokes(CYCLES)[:-1], "every item must have 7 readouts as item 0, got 6 in item 1"),
        (good, spokes(CYCLES, items=1, discard_pre=60, discard_post=4), "must leave samples, got 60 and 4"),
        (good, [noise], "must hold imaging lines, got none in 1 acquisitions"),
        (good, [few, *spokes(CYCLES)], "noise scan must have 3 channels, got 2"),
        (thin, stack, "kspace_encode_step_2 must be 0 along a 2-D trajectory, got up to 3"),
        (b"<nonsense", spokes(CYCLES), "XML header must follow the ISMRMRD schema"),
    ]
    for number, (xml, lines, sentence) in enumerate(cases):
        refused(foreign.ismrmrd(tmp_path / f"{number}.h5", xml, lines), sentence)


def test_samples_that_are_not_finite_or_lost(foreign: SimpleNamespace, tmp_path: Path) -> None:
    path = foreign.ismrmrd(tmp_path / "scan.h5", header(foreign), spokes(CYCLES, items=1))
    with h5py.File(path, "r+") as file:
        line = file["dataset/data"][5]
        line["data"][7] = np.nan
        file["dataset/data"][5] = line
    refused(path, "got 1 NaN or Inf samples in item 0, the first in coil 0, spoke 5")
    with h5py.File(path, "r+") as file:
        line = file["dataset/data"][5]
        line["data"] = line["data"][:-2]
        file["dataset/data"][5] = line
    refused(path, "acquisition 5 must hold 3 channels of 64 complex samples, got 382 float32 numbers")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, "must be a (complete|readable) HDF5 file")

"""Plain radar arrays: every container and axis order gives the same cube; bad ones name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from proxflow.data.errors import ScanError
from proxflow.data.readers.radar_array import RadarArrayScan, is_radar_array

RANDOM = np.random.default_rng(5)
FREQUENCIES = np.array([2e9, 3e9, 4e9, 5e9])
TRANSMITTERS = RANDOM.uniform(-0.2, 0.2, (2, 3))
RECEIVERS = RANDOM.uniform(-0.2, 0.2, (5, 3))
FULL = (RANDOM.normal(size=(3, 4, 2, 5)) + 1j * RANDOM.normal(size=(3, 4, 2, 5))).astype(np.complex64)
NAMES = ("item", "frequency", "transmitter", "receiver")
BASE: dict[str, Any] = {
    "modality": "radar",
    "axes": list(NAMES),
    "frequencies_hz": FREQUENCIES.tolist(),
    "transmitters_m": TRANSMITTERS.tolist(),
    "receivers_m": RECEIVERS.tolist(),
}


def describe(path: Path, **fields: Any) -> Path:
    """Write the sidecar of ``path``; a field of None is left out."""
    content = {key: value for key, value in {**BASE, **fields}.items() if value is not None}
    path.with_suffix(".json").write_text(json.dumps(content))
    return path


def write_mat73(path: Path, variables: dict[str, Any]) -> Path:
    """A v7.3 file as MATLAB lays it out: axes reversed, complex numbers as pairs, structs as groups."""

    def put(group: h5py.Group, name: str, value: Any) -> None:
        if isinstance(value, dict):
            child = group.create_group(name)
            child.attrs["MATLAB_class"] = np.bytes_("struct")
            for key, part in value.items():
                put(child, key, part)
            return
        array = np.atleast_2d(value).T
        if array.dtype.kind == "c":
            kind = array.real.dtype
            array = np.ascontiguousarray(array).view([("real", kind), ("imag", kind)])
        group.create_dataset(name, data=array).attrs["MATLAB_class"] = np.bytes_("single")

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            put(file, name, value)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


WRITERS: dict[str, Callable[[Path, dict[str, Any]], Any]] = {
    "npz": lambda path, variables: np.savez(path, **variables),
    "mat": lambda path, variables: savemat(path, variables),
    "mat73": write_mat73,
}


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, RadarArrayScan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("container", ["npy", "npz", "mat", "mat73"])
@pytest.mark.parametrize("axes", [NAMES, ("receiver", "transmitter", "frequency", "item")])
def test_every_container_and_order_gives_the_same_cube(
    tmp_path: Path, container: str, axes: tuple[str, ...]
) -> None:
    array = FULL.transpose([NAMES.index(axis) for axis in axes])
    path = tmp_path / f"scan.{container.removesuffix('73')}"
    if container == "npy":
        np.save(path, array)
        describe(path, axes=list(axes))
    else:
        variables = {"s": array, "f": FREQUENCIES, "tx": TRANSMITTERS, "rx": RECEIVERS, "bg": array * 1j}
        WRITERS[container](path, variables)
        keys = {"frequencies_hz": "f", "transmitters_m": "tx", "receivers_m": "rx"}
        describe(path, axes=list(axes), samples="s", background="bg", **keys)
    assert is_radar_array(path)
    with RadarArrayScan(path) as scan:
        assert scan.info.shape == (3, 4, 10)
        assert scan.info.companions == (path.with_suffix(".json"),)
        cube = scan.read([2, 0])
    np.testing.assert_array_equal(cube.samples, FULL.reshape(3, 4, 10)[[2, 0]])
    np.testing.assert_array_equal(cube.geometry.pairs[7], [1, 2])  # transmitter * receivers + receiver
    np.testing.assert_allclose(cube.geometry.receivers_m, RECEIVERS)
    np.testing.assert_array_equal(cube.geometry.frequencies_hz, FREQUENCIES)
    if container != "npy":
        np.testing.assert_array_equal(cube.background, cube.samples * np.complex64(1j))


def test_pairs_sign_ranges_and_background_file(tmp_path: Path) -> None:
    samples = FULL[:, :, 0].transpose(2, 1, 0)[:, :, 1]  # (pair, frequency)
    np.save(tmp_path / "empty.npy", samples * 2)
    np.save(tmp_path / "scan.npy", samples)
    path = describe(
        tmp_path / "scan.npy",
        axes=["pair", "frequency"],
        frequencies_hz={"start": 2e9, "stop": 5e9, "count": 4},
        pairs=[[1, 5], [2, 4], [1, 3], [2, 2], [1, 1]],
        pairs_from=1,
        background="empty.npy",
        phase_sign="+",
        reference_range_m=1.5,
        labels=["the object"],
        units="S-parameter",
        source={"licence": "CC0"},
    )
    with RadarArrayScan(path) as scan:
        cube = scan.read()
        assert scan.info.notes == ("Samples conjugated: in the file the phase grows with the delay.",)
        assert tmp_path / "empty.npy" in scan.info.companions
    np.testing.assert_array_equal(cube.samples[0], samples.T.conj())
    np.testing.assert_array_equal(cube.background, 2 * cube.samples)
    np.testing.assert_array_equal(cube.geometry.pairs[0], [0, 4])
    np.testing.assert_array_equal(cube.geometry.reference_range_m, [1.5] * 5)
    np.testing.assert_array_equal(cube.geometry.frequencies_hz, FREQUENCIES)
    assert (cube.labels, cube.source) == (("the object",), {"licence": "CC0", "units": "S-parameter"})


def test_monostatic_csv(tmp_path: Path) -> None:
    rows = [",".join(f"{v.real}{v.imag:+}j" for v in row) for row in FULL[0, :, 0].tolist()]
    (tmp_path / "scan.csv").write_text("\n".join(rows))
    path = describe(
        tmp_path / "scan.csv", axes=["frequency", "pair"], transmitters_m=RECEIVERS.tolist(), receivers_m=None
    )
    with RadarArrayScan(path) as scan:
        cube = scan.read()
    np.testing.assert_allclose(cube.samples[0], FULL[0, :, 0], rtol=1e-6)
    np.testing.assert_array_equal(cube.geometry.pairs, [[i, i] for i in range(5)])


@pytest.mark.parametrize("container", ["mat", "mat73"])
def test_mimo_layout_needs_no_sidecar(tmp_path: Path, container: str) -> None:
    path = tmp_path / "scan.mat"
    values = FULL[0].transpose(2, 1, 0)  # (receiver, transmitter, frequency)
    sides = {"Transmitter": TRANSMITTERS, "Receiver": RECEIVERS}
    array = {side: dict(zip("XYZ", xyz.T, strict=True)) for side, xyz in sides.items()}
    WRITERS[container](path, {"EMData": {"Values": values}, "MIMOArray": array, "OperateFreq": FREQUENCIES})
    assert is_radar_array(path)
    with RadarArrayScan(path) as scan:
        assert "range axis" in scan.info.notes[0]
        cube = scan.read()
    np.testing.assert_array_equal(cube.samples[0], FULL[0].reshape(4, 10))
    np.testing.assert_allclose(cube.geometry.transmitters_m, TRANSMITTERS[:, [0, 2, 1]])
    np.testing.assert_allclose(cube.geometry.receivers_m, RECEIVERS[:, [0, 2, 1]])


def test_axes_matlab_drops_come_back(tmp_path: Path) -> None:
    savemat(tmp_path / "scan.mat", {"s": FULL[:, :1].transpose(3, 2, 0, 1)})
    path = describe(
        tmp_path / "scan.mat",
        samples="s",
        axes=["receiver", "transmitter", "item", "frequency"],
        frequencies_hz=[3e9],
    )
    with RadarArrayScan(path) as scan:
        np.testing.assert_array_equal(scan.read().samples, FULL[:, :1].reshape(3, 1, 10))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"modality": "ct"}, "modality must be radar, got ct"),
        ({"axis": 1}, "key must be one of .*got axis; did you mean axes"),
        ({"axes": None}, "axes must be given, got none"),
        ({"axes": ["frequency", "receiver"]}, "axes must name frequency, transmitter, receiver or frequency"),
        ({"axes": [*NAMES, "item"]}, "axes must name .* once each"),
        ({"axes": "item, frequency"}, "axes must name"),
        (
            {"axes": ["item", "transmitter", "frequency", "receiver"]},
            r"\(item, transmitter 2, frequency 4, .*",
        ),
        ({"axes": ["item", "frequency", "receiver", "transmitter"]}, r"axes swapped\?"),
        ({"frequencies_hz": None}, "frequencies_hz must be given"),
        ({"frequencies_hz": [2.0, 3.0, 4.0, 5.0]}, "must be in Hz, got values from 2 to 5, .* GHz"),
        ({"frequencies_hz": [2e9, 3e9, 4e9]}, r"frequency 3, .* got shape \(3, 4, 2, 5\)"),
        (
            {"frequencies_hz": {"start": 2e9, "stop": 5e9}},
            r"or \{start, stop, count\}",
        ),
        (
            {"frequencies_hz": {"start": 2e9, "stop": 5e9, "count": 1e9}},
            "count of frequencies_hz must be",
        ),
        ({"frequencies_hz": [[2e9], [3e9, 4e9]]}, "frequencies_hz must be numbers or the key of an array"),
        ({"frequencies_hz": "f"}, "values must be numbers where the file is one array, got the key f"),
        ({"samples": "s"}, "samples must be absent for scan.npy"),
        ({"transmitters_m": [[69.0, 0, 11], [-56, 41, 11]]}, "must be in metres, .* looks like millimetres"),
        (
            {"transmitters_m": [[0.1, 0.2], [0.3, 0.4]]},
            r"must have axes \(antenna, xyz\), got shape \(2, 2\)",
        ),
        ({"receivers_m": RECEIVERS[:4].tolist()}, r"receiver 4\), got shape"),
        (
            {"pairs": [[0, 0]], "pairs_from": 0},
            "pairs must be absent where transmitter and receiver are axes",
        ),
        ({"pairs": [[0, 0]]}, "pairs_from must be 0 or 1, the number of the first antenna, got none"),
        ({"background": "../other.npy"}, "background must name another .npy file in the same folder"),
        ({"background": "scan.npy"}, "background must name another .npy file"),
        ({"phase_sign": "*"}, 'phase_sign must be one of "-", "\\+", got \\*'),
        ({"labels": ["one"]}, "labels must be a list naming 3 items"),
        ({"source": "me"}, "source must map names to texts"),
        ({"reference_range_m": [1.0, 2.0]}, r"reference ranges must have shape \(10,\), got \(2,\)"),
    ],
)
def test_bad_sidecars(tmp_path: Path, fields: dict[str, Any], sentence: str) -> None:
    np.save(tmp_path / "scan.npy", FULL)
    refused(describe(tmp_path / "scan.npy", **fields), sentence)


def test_bad_pairs(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", FULL[0, :, 0])
    good = [[0, 0], [0, 1], [0, 2], [1, 3], [1, 4]]
    cases: list[tuple[Any, int, str]] = [
        (None, 0, "pairs must name the transmitter and receiver of each, got none"),
        (good, 1, "one of 2 transmitters, counted from 0, got transmitter -1 in pair 0"),
        ([*good[:4], [1, 5]], 0, "one of 5 receivers, counted from 0, got receiver 5 in pair 4"),
        ([*good[:4], [0, 0]], 0, r"pairs must be unique, got \[0, 0\] 2 times"),
        (good[:4], 0, r"\(frequency 4, pair 4\), got shape \(4, 5\)"),
        ([[0.5, 1]] * 5, 0, "pairs must be whole numbers"),
        ([0, 1, 2], 0, "pairs must be whole numbers"),
    ]
    for pairs, start, sentence in cases:
        path = describe(
            tmp_path / "scan.npy",
            axes=["frequency", "pair"],
            pairs=pairs,
            pairs_from=None if pairs is None else start,
        )
        refused(path, sentence)


def test_bad_samples(tmp_path: Path) -> None:
    path = describe(tmp_path / "scan.npy")
    broken = FULL.copy()
    broken[1, 2, 1, 3] = np.nan
    empty = FULL.copy()
    empty[2] = 0
    cases = [
        (np.abs(FULL), "must be complex64 or complex128 since an image needs the phase, got float32"),
        (np.abs(FULL).astype(np.complex64), "must hold phase, got only real values in item 0"),
        (broken, "got 1 NaN or Inf values in item 1, the first at frequency 2, pair 8"),
        (empty, "must hold signal, got only zeros in item 2"),
        (FULL[0, 0], r"must have axes .* got shape \(2, 5\)"),
        (FULL[:0], "must not be empty"),
    ]
    for samples, sentence in cases:
        np.save(path, samples)
        refused(path, sentence)


def test_missing_and_forged_files(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    np.savez(path, s=FULL, objects=np.array([{}], dtype=object))
    assert not is_radar_array(path)
    refused(path, r"must have a sidecar scan\.yaml with 'modality: radar', got none")
    refused(describe(path), "samples must be the key of the samples, got none")
    refused(describe(path, samples="t"), "must hold the key t, got s, objects")
    refused(describe(path, samples="objects"), "must be a complete NumPy file of numbers")
    refused(
        describe(path, samples="s", frequencies_hz="s"), "frequencies_hz must be real numbers, got complex"
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(describe(path, samples="s"), "must be a complete NumPy file of numbers")
    path.with_suffix(".json").write_text("{")
    refused(path, "must be readable YAML or JSON, got an error")
    path.with_suffix(".json").write_text("[1]")
    refused(path, "must map names to values, got list")
    plain = describe(tmp_path / "plain.npy")
    np.save(plain, FULL)
    plain.write_bytes(plain.read_bytes()[:-8])
    refused(plain, "must be a complete NumPy file of numbers")


def test_links_and_damage_in_new_matlab_files(tmp_path: Path) -> None:
    secret = write_mat73(tmp_path / "secret.mat", {"s": FULL})
    path = describe(tmp_path / "scan.mat", samples="s")
    for link in (h5py.ExternalLink(str(secret), "/s"), h5py.SoftLink("/t")):
        write_mat73(path, {"t": FULL})
        with h5py.File(path, "r+") as file:
            file["s"] = link
        refused(path, r"scan\.mat: s must be stored in the file itself, got an? .*link")
    write_mat73(path, {"t": FULL})
    with h5py.File(path, "r+") as file:
        file.create_dataset("s", (10**6, 10**6), "f4", chunks=(8, 8))
    refused(path, "s must fit its file, got .* declared bytes")
    content = write_mat73(path, {"s": FULL}).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, "must be a complete HDF5 file|must be a readable HDF5 file")
    refused(describe(write_mat73(path, {"t": FULL}), samples="s"), "must hold the variable s, got t")
    savemat(path, {"s": "text"})
    refused(path, "s must be an array of numbers, got str")

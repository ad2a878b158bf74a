"""Twix files laid out by the test as VB and VD scanners do; every way they can be cut or wrong."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.twix import TwixScan, is_twix

pytest.importorskip("twixtools", reason="twixtools is an optional extra: pip install 'proxflow[twix]'")

from twixtools import mdh_def

PROTOCOL = {
    "sKSpace.lBaseResolution": 40,
    "sKSpace.lPhaseEncodingLines": 48,
    "sKSpace.lPartitions": 8,
    "sKSpace.ucDimension": 2,
    "sKSpace.ucTrajectory": 1,
    "sSliceArray.asSlice[0].dThickness": 5.0,
    "sSliceArray.asSlice[0].dPhaseFOV": 96.0,
    "sSliceArray.asSlice[0].dReadoutFOV": 60.0,
}


def oversampled(kspace: np.ndarray) -> np.ndarray:
    """(..., 40) to (..., 80): the same image in the middle of twice the field of view."""
    image = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, axes=-1), norm="ortho"), axes=-1)
    wide = np.zeros((*kspace.shape[:-1], 80), complex)
    wide[..., 20:60] = image
    wide = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(wide, axes=-1), norm="ortho"), axes=-1)
    return wide.astype(np.complex64)


def header(protocol: dict[str, Any]) -> bytes:
    lines = "".join(f"{name}\t = \t{value}\n" for name, value in protocol.items())
    meas = f'<ParamLong."alRegridMode">  {{ {protocol.get("regrid", 1)} 1 }}'.ljust(60).encode()
    text = f"### ASCCONV BEGIN ###\n{lines}\n### ASCCONV END ###\n".encode()
    buffers = b"".join(
        name + b"\0" + struct.pack("<I", len(part)) + part
        for name, part in ((b"Config", b"<XProtocol> {}".ljust(10000)), (b"Meas", meas), (b"MeasYaps", text))
    )
    return struct.pack("<II", 8 + len(buffers), 3) + buffers


def block(data: np.ndarray, *, ve: bool, flags: tuple[str, ...] = (), **counters: int) -> bytes:
    """One readout (coil, sample) as the scanner writes it."""
    head = mdh_def.Scan_header() if ve else mdh_def.VB17_header()
    head.UsedChannels, head.SamplesInScan = data.shape
    head.CenterCol, head.CenterLin, head.CenterPar = data.shape[1] // 2, 24, 0
    for name, value in counters.items():
        setattr(head.Counter, name, value)
    for flag in flags:
        mdh_def.add_flag(head, flag)
    if ve:
        channel = bytes(mdh_def.Channel_header())
        return bytes(head) + b"".join(channel + part.tobytes() for part in data.astype("<c8"))
    return b"".join(bytes(head) + part.tobytes() for part in data.astype("<c8"))


def write(path: Path, blocks: list[bytes], *, ve: bool, protocol: dict[str, Any], end: bool = True) -> Path:
    last = mdh_def.Scan_header() if ve else mdh_def.VB17_header()
    mdh_def.add_flag(last, "ACQEND")
    body = header(protocol) + b"".join(blocks) + (bytes(last) + bytes(160) if end else b"")
    if ve:  # a table of measurements comes first; an empty one precedes ours
        entries = [(1, 1, 10240, 10752), (2, 2, 20992, len(body))]
        table = struct.pack("<II", 0, 2)
        table += b"".join(struct.pack("<IIQQ", *entry) + bytes(128) for entry in entries)
        body = table.ljust(10240, b"\0") + header({}).ljust(10752, b"\0") + body
    path.write_bytes(body)
    return path


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, TwixScan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ve", [True, False])
def test_lines_become_items(brain: np.ndarray, tmp_path: Path, ve: bool) -> None:
    wide = oversampled(brain)
    blocks = [
        block(wide[0, :, 0], ve=ve, flags=("NOISEADJSCAN",)),
        block(wide[0, :, 1], ve=ve, flags=("PHASCOR",)),
    ]
    for row in range(0, 48, 2):
        for item in (0, 1):
            data, flags = wide[item, :, row], ()
            if row == 4:  # measured backwards
                data, flags = data[:, ::-1], ("REFLECT",)
            blocks.append(block(data, ve=ve, flags=flags, Lin=row, Sli=item))
    path = write(tmp_path / "scan.dat", blocks, ve=ve, protocol=PROTOCOL)
    assert is_twix(path)
    with TwixScan(path) as scan:
        assert scan.info.shape == (2, 4, 48, 40)
        assert any(note.startswith("1 noise lines left out") for note in scan.info.notes)
        assert any(note.startswith("The last of 2 measurements") for note in scan.info.notes) == ve
        assert scan.info.geometry.voxel_size_mm == (5.0, 2.0, 1.5)
        read, second = scan.read(), scan.read([1])
    even = np.arange(48) % 2 == 0
    np.testing.assert_array_equal(read.mask[0], np.repeat(even[:, None], 40, axis=1))
    expected = brain * even[:, None]
    np.testing.assert_allclose(read.samples, expected, rtol=0, atol=1e-5 * np.abs(brain).max())
    np.testing.assert_array_equal(second.samples, read.samples[1:])


@pytest.mark.parametrize("ve", [True, False])
def test_cut_and_damaged_files(brain: np.ndarray, tmp_path: Path, ve: bool) -> None:
    blocks = [block(oversampled(brain)[0, :, row], ve=ve, Lin=row) for row in range(48)]
    path = write(tmp_path / "scan.dat", blocks, ve=ve, protocol=PROTOCOL, end=False)
    refused(path, "must be a complete Twix file, got no end of the scan after 48 lines")
    content = write(path, blocks, ve=ve, protocol=PROTOCOL).read_bytes()
    for keep in (10, 40, 12000, len(content) // 2, len(content) - 400):
        path.write_bytes(content[:keep])
        refused(path, r"scan\.dat(:| must be a)")
    empty = bytearray(block(oversampled(brain)[0, :, 0], ve=ve))
    empty[48 if ve else 28 : 52 if ve else 32] = bytes(4)  # no samples, no channels: no way on
    refused(write(path, [bytes(empty)], ve=ve, protocol=PROTOCOL), "no end of the scan after 0 lines")
    still = mdh_def.Scan_header() if ve else mdh_def.VB17_header()
    mdh_def.add_flag(still, "SYNCDATA")
    still.FlagsAndDMALength = 0  # a block of no length
    refused(write(path, [bytes(still)], ve=ve, protocol=PROTOCOL), "no end of the scan after 0 lines")


def test_protocols_that_do_not_fit(brain: np.ndarray, tmp_path: Path) -> None:
    line = block(oversampled(brain)[0, :, 0], ve=True)
    nan = block(oversampled(brain)[0, :, 0] * np.nan, ve=True)
    far = block(oversampled(brain)[0, :, 0], ve=True, Lin=60)
    noise = block(oversampled(brain)[0, :, 0], ve=True, flags=("NOISEADJSCAN",))
    less = {name: value for name, value in PROTOCOL.items() if "Trajectory" not in name}
    cases = [
        ([line], {**PROTOCOL, "sKSpace.ucTrajectory": 2}, r"must be cartesian \(1\), got ucTrajectory 2"),
        ([line], less, "protocol must state sKSpace.ucTrajectory as a number, got None"),
        (
            [line],
            {**PROTOCOL, "sKSpace.lBaseResolution": "many"},
            "sKSpace.lBaseResolution as a number, got many",
        ),
        ([line], {**PROTOCOL, "sKSpace.lBaseResolution": 0}, "matrix must be at least 1"),
        (
            [line],
            {**PROTOCOL, "sKSpace.lPhaseEncodingLines": 10**6},
            "encoded matrix must fit its file|must lie",
        ),
        ([line], {**PROTOCOL, "regrid": 2}, "readouts must be sampled evenly, got alRegridMode 2"),
        ([far], PROTOCOL, "kspace_encode_step_1 must lie in the encoded matrix of 48"),
        ([nan], PROTOCOL, "kspace must be finite"),
        ([noise], PROTOCOL, "must hold imaging lines, got none"),
        ([], PROTOCOL, "must hold imaging lines, got none"),
    ]
    for blocks, protocol, sentence in cases:
        refused(write(tmp_path / "scan.dat", blocks, ve=True, protocol=protocol), sentence)


def test_other_files_are_not_twix(tmp_path: Path) -> None:
    for content in (b"", b"\x89HDF\r\n\x1a\n" + bytes(100), b"text " * 20, bytes(64)):
        (tmp_path / "scan.dat").write_bytes(content)
        assert not is_twix(tmp_path / "scan.dat")
        refused(tmp_path / "scan.dat", "must be a")


def test_without_twixtools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twixtools.mdb", None)
    (tmp_path / "scan.dat").write_bytes(bytes(64))
    refused(tmp_path / "scan.dat", r"twixtools must be installed .* pip install 'proxflow\[twix\]'")

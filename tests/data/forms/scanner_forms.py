"""The small scan as the programs of scanners leave it: MATLAB files, Siemens' measurements."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io

from tests.data.forms.form_arrays import noise


def htc2022(folder: Path, a: SimpleNamespace) -> Path:
    lengths = {"distanceSourceOrigin": 0.7 * a.source_detector, "distanceSourceDetector": a.source_detector}
    parameters = {"angles": a.angles, "pixelSizePost": 1.0, "distanceUnit": "mm", **lengths}
    content = {"type": "2d", "sinogram": a.attenuation[:, 0].astype(float), "parameters": parameters}
    scipy.io.savemat(folder / "htc.mat", {"CtDataFull": content})
    return folder / "htc.mat"


def gotcha(folder: Path, a: SimpleNamespace) -> Path:
    place = dict(zip("xyz", np.linspace(7e3, 7.1e3, 12).reshape(3, 4), strict=True))
    fp = getattr(a, "phases", noise(6, 4))
    content = {"fp": fp, "freq": np.linspace(*a.frequencies[[0, -1]], 6), "r0": np.full(4, 1e4), **place}
    scipy.io.savemat(folder / "gotcha.mat", {"data": content})
    return folder / "gotcha.mat"


def mimo(folder: Path, a: SimpleNamespace) -> Path:
    antennas = {
        side: dict(zip("XYZ", places.T, strict=True))
        for side, places in (("Transmitter", a.transmitters), ("Receiver", a.receivers))
    }
    values = a.cube.transpose(2, 1, 0)
    content = {"EMData": {"Values": values}, "MIMOArray": antennas, "OperateFreq": a.frequencies}
    scipy.io.savemat(folder / "mimo.mat", content)
    return folder / "mimo.mat"


def twix(folder: Path, a: SimpleNamespace) -> Path:
    pytest.importorskip("twixtools", reason="twixtools is an optional extra: pip install 'proxflow[twix]'")
    from twixtools import mdh_def

    depth, height, width = a.fov_mm
    protocol = {"sKSpace.lBaseResolution": 10, "sKSpace.lPhaseEncodingLines": 12, "sKSpace.lPartitions": 1}
    protocol |= {"sKSpace.ucDimension": 2, "sKSpace.ucTrajectory": 1}
    extent = {"dThickness": depth, "dPhaseFOV": height, "dReadoutFOV": width}
    protocol |= {f"sSliceArray.asSlice[0].{name}": value for name, value in extent.items()}
    text = "".join(f"{name}\t = \t{value}\n" for name, value in protocol.items())
    parts = {
        b"Config": b"<XProtocol> {}",
        b"MeasYaps": f"### ASCCONV BEGIN ###\n{text}\n### ASCCONV END ###\n",
    }
    parts[b"MeasYaps"] = parts[b"MeasYaps"].encode()
    head = b"".join(k + b"\0" + struct.pack("<I", len(v)) + v for k, v in parts.items()).ljust(10240, b" ")
    body = struct.pack("<II", 8 + len(head), 2) + head
    for item, row in np.ndindex(2, 12):
        line = mdh_def.VB17_header()
        line.UsedChannels, line.SamplesInScan, line.CenterCol, line.CenterLin = 3, 10, 5, 6
        line.Counter.Lin, line.Counter.Sli = row, item
        body += b"".join(bytes(line) + coil.tobytes() for coil in a.kspace[item, :, row])
    last = mdh_def.VB17_header()
    mdh_def.add_flag(last, "ACQEND")
    (folder / "meas.dat").write_bytes(body + bytes(last) + bytes(160))
    return folder / "meas.dat"

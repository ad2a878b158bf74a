"""``proxflow inspect`` says what is wrong with a file in one sentence and ends with 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proxflow.flows.cli.main import main

Make = Callable[..., Path]
EDGE = np.clip(3 - np.abs(np.linspace(-5, 5, 40)), 0, None)
COUNTS = np.broadcast_to(100 + 9900 * np.exp(-EDGE), (12, 3, 40)).astype(np.uint16)


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-1])
    return path


FAULTS: dict[str, tuple[Callable[[Make], Path], str]] = {
    "truncated HDF5": (lambda make: cut(make("dxchange")), "dx.h5 must be a complete HDF5 file"),
    "truncated MATLAB": (lambda make: cut(make("htc2022")), "htc.mat must be a complete MATLAB file"),
    "mislabelled": (
        lambda make: make("csv").rename(make("csv").with_suffix(".txt")),
        "w.txt must be in HDF5, MATLAB, NumPy",
    ),
    "counts for attenuation": (
        lambda make: make("numpy-ct", attenuation=COUNTS),
        "ct.npy: attenuation must be line integrals in floats, got uint16",
    ),
    "degrees for radians": (
        lambda make: make("tiff", unit="rad"),
        "stack.json: angles_rad must span at most one turn (6.2832) in radians, got 0 to 165",
    ),
    "counts for a series": (
        lambda make: make("numpy-dynamic", series=np.ones((2, 8, 3, 40), np.int32)),
        "d.npy: samples must be line integrals in real floats, got int32; counts?",
    ),
    "swapped axes": (
        lambda make: make("proxflow-ct", attenuation=np.broadcast_to(EDGE[:, None, None], (40, 3, 12))),
        "t.h5: geometry/angles must name 40 angles",
    ),
    "gigahertz": (
        lambda make: make("merit", frequencies=np.array([2.0, 3.0, 4.0, 5.0])),
        "B0.csv: frequencies must be in Hz, got values from 2 to 5, which look like GHz",
    ),
    "metres": (
        lambda make: make("numpy-kspace", fov_mm=(0.005, 0.24, 0.2)),
        "k.json: field of view must be in mm",
    ),
    "NaN": (
        lambda make: make("bart", kspace=np.full((2, 3, 12, 10), np.nan * 1j, np.complex64)),
        "b.cfl: kspace must be finite, got 360 NaN or Inf samples in item 1, coils 0, 1, 2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_inspect_refuses(fault: str, make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    write, sentence = FAULTS[fault]
    path = write(make)
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["inspect", str(path)])
    out, err = capfd.readouterr()
    assert left.value.code == 2
    assert sentence in err
    assert err.startswith("proxflow: ") and err.count("\n") == 1 and out == ""

"""A small scan cut from the measured brain, and independent writers of the foreign formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import ismrmrd
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Measurement

HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
 <experimentalConditions><H1resonanceFrequency_Hz>123000000</H1resonanceFrequency_Hz></experimentalConditions>
 <encoding>
  <encodedSpace><matrixSize><x>{ex}</x><y>{ey}</y><z>{ez}</z></matrixSize>
   <fieldOfView_mm><x>{fx}</x><y>{fy}</y><z>{fz}</z></fieldOfView_mm></encodedSpace>
  <reconSpace><matrixSize><x>{rx}</x><y>{ry}</y><z>{rz}</z></matrixSize>
   <fieldOfView_mm><x>{gx}</x><y>{gy}</y><z>{gz}</z></fieldOfView_mm></reconSpace>
  <encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{my}</maximum><center>{cy}</center>
   </kspace_encoding_step_1></encodingLimits>
  <trajectory>{trajectory}</trajectory>{extra}
 </encoding>
</ismrmrdHeader>"""


def ifft2c(kspace: np.ndarray) -> np.ndarray:
    shifted = np.fft.ifft2(np.fft.ifftshift(kspace, axes=(-2, -1)), norm="ortho")
    return np.fft.fftshift(shifted, axes=(-2, -1))


def fftc(array: np.ndarray, axis: int) -> np.ndarray:
    return np.fft.fftshift(np.fft.fft(np.fft.ifftshift(array, axes=axis), axis=axis, norm="ortho"), axes=axis)


def header_xml(
    matrix: tuple[int, int, int],
    *,
    oversampling: int = 1,
    voxel: tuple[float, float, float] = (5.0, 2.0, 1.5),
    centre: int | None = None,
    trajectory: str = "cartesian",
    extra: str = "",
) -> bytes:
    """ISMRMRD header of an image ``matrix`` (z, y, x)."""
    (nz, ny, nx), (dz, dy, dx) = matrix, voxel
    return HEADER.format(
        **{"ex": nx * oversampling, "ey": ny, "ez": nz, "rx": nx, "ry": ny, "rz": nz},
        **{"fx": dx * nx * oversampling, "fy": dy * ny, "fz": dz * nz, "gx": dx * nx, "gy": dy * ny},
        **{"gz": dz * nz, "my": ny - 1, "cy": ny // 2 if centre is None else centre},
        trajectory=trajectory,
        extra=extra,
    ).encode()


def acquisition(data: np.ndarray, *, flags: tuple[int, ...] = (), **fields: Any) -> ismrmrd.Acquisition:
    """One acquisition (coil, sample); ``fields`` go to the head, or to its counters."""
    result = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data, dtype=np.complex64))
    result.center_sample = data.shape[1] // 2
    for flag in flags:
        result.set_flag(flag)
    for name, value in fields.items():
        target = result.idx if hasattr(result.idx, name) else result
        if np.ndim(value):
            getattr(target, name)[:] = value
        else:
            setattr(target, name, value)
    return result


def write_ismrmrd(path: Path, xml: bytes, acquisitions: list[ismrmrd.Acquisition]) -> Path:
    with ismrmrd.Dataset(str(path), mode="w") as dataset:
        dataset.write_xml_header(xml)
        for one in acquisitions:
            dataset.append_acquisition(one)
    return path


def write_bart(stem: Path, array: np.ndarray) -> Path:
    """``array`` with BART's dimensions first to last, column-major."""
    stem.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, array.shape)) + "\n")
    stem.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))
    return stem


@pytest.fixture
def foreign() -> SimpleNamespace:
    """Independent writers of the foreign formats."""
    return SimpleNamespace(
        header=header_xml,
        acquisition=acquisition,
        ismrmrd=write_ismrmrd,
        bart=write_bart,
        ifft2c=ifft2c,
        fftc=fftc,
    )


@pytest.fixture(scope="session")
def brain() -> np.ndarray:
    """(2, 4, 48, 40) k-space of two different crops of the measured brain's k-space: never square."""
    with open_scan("sample://brain-13coil") as scan:
        samples = scan.read().samples[0]
    first = samples[:4, 112 - 24 : 112 + 24, 112 - 20 : 112 + 20]
    second = samples[4:8, 112 - 24 : 112 + 24, 112 - 20 : 112 + 20]
    return np.stack([first, second]) * np.complex64(1e6)


@pytest.fixture
def measurement(brain: np.ndarray) -> KSpace:
    """Everything a measurement may carry; the items' masks differ."""
    random = np.random.default_rng(3)
    mask = random.random((2, 48, 40)) < 0.6
    affine = ((-1.5, 0.0, 0.1, 30.0), (0.0, -2.0, 0.0, 48.0), (0.0, 0.0, 5.0, -7.0), (0.0, 0.0, 0.0, 1.0))
    return KSpace(
        samples=brain * mask[:, None],
        mask=mask,
        geometry=Geometry((40, 40), (5.0, 80.0, 60.0), affine, slices=(4, 5)),
        labels=("slice 4", "slice 5, µ"),
        noise=(random.normal(size=(4, 30)) + 1j * random.normal(size=(4, 30))).astype(np.complex64),
        reference=np.abs(ifft2c(brain)).astype(np.float32)[:, 0],
        source={"licence": "Apache-2.0", "changes": "cropped"},
    )


@pytest.fixture
def h5(tmp_path: Path) -> Callable[..., Path]:
    """Write an HDF5 file of the named datasets."""

    def write(name: str = "scan.h5", **datasets: Any) -> Path:
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in datasets.items():
                file[key] = value
        return tmp_path / name

    return write


@pytest.fixture
def outcome() -> Callable[..., Measurement | str]:
    """The measurement a file opens to, or the one sentence that refuses it, which must name a file."""

    def attempt(path: Path, reader: str = "auto") -> Measurement | str:
        try:
            with open_scan(path, reader) as scan:
                return scan.read()
        except ScanError as error:
            sentence = str(error)
        assert "\n" not in sentence and len(sentence) < 500
        assert " must " in sentence and ", got " in sentence
        files = (path, path.parent, *path.parent.iterdir())
        assert any(file.name in sentence for file in files)
        return sentence

    return attempt


@pytest.fixture
def same() -> Callable[[Measurement, Measurement], bool]:
    """Whether two measurements hold the same numbers, whatever their labels."""
    return lambda one, other: type(one) is type(other) and _equal(asdict(one), asdict(other))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_equal(one[key], other[key]) for key in one if key not in ("labels", "source"))
    return np.array_equal(one, other)

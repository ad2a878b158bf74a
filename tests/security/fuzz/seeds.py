"""One small sound file of every form, to be spoilt: what the tests of the readers write, and MATLAB 7.3."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np

from tests.data import conftest as foreign
from tests.data.forms.conftest import FORMS
from tests.data.forms.form_arrays import BASE


def write_seeds(folder: Path) -> list[Path]:
    """Write all forms, each into a folder of its own; what ``open_scan`` is given of each."""
    arrays = SimpleNamespace(**BASE)
    writers = {name: write for name, (_, write) in FORMS.items() if name != "twix"}
    found = []
    for name, write in writers.items():
        (folder / name).mkdir(parents=True)
        found.append(write(folder / name, arrays))
    for name in ("bart", "ismrmrd", "mat73", "zipped", "old"):
        (folder / name).mkdir()
    dims = arrays.kspace.transpose(3, 2, 1, 0)[:, :, None].reshape(10, 12, 1, 3, 1, 2)
    found.append(foreign.write_bart(folder / "bart" / "b", dims).with_suffix(".cfl"))
    found.append(_ismrmrd(folder / "ismrmrd" / "m.h5", arrays))
    found.append(_mat73(folder / "mat73" / "htc73.mat", arrays))
    found.append(_packed(folder / "zipped" / "z.h5", arrays, libver="latest"))
    found.append(_packed(folder / "old" / "o.h5", arrays, libver="earliest"))
    return found


def _ismrmrd(path: Path, arrays: SimpleNamespace) -> Path:
    lines = [
        foreign.acquisition(arrays.kspace[item, :, row], kspace_encode_step_1=row, slice=item)
        for item, row in np.ndindex(2, 12)
    ]
    return foreign.write_ismrmrd(path, foreign.header_xml((1, 12, 10), voxel=(5.0, 20.0, 20.0)), lines)


def _mat73(path: Path, arrays: SimpleNamespace) -> Path:
    lengths = {"distanceSourceOrigin": 490.0, "distanceSourceDetector": 700.0, "pixelSizePost": 1.0}
    content: dict[str, Any] = {"sinogram": arrays.attenuation[:, 0].astype(float)}
    content |= {f"parameters/{name}": value for name, value in lengths.items()}
    content |= {"parameters/angles": arrays.angles, "parameters/distanceUnit": "mm"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name in ("CtDataFull", "CtDataFull/parameters"):
            file.create_group(name).attrs["MATLAB_class"] = np.bytes_("struct")
        for name, value in content.items():
            text = isinstance(value, str)
            array = np.array([[ord(c) for c in value]], np.uint16) if text else np.atleast_2d(value)
            data = file["CtDataFull"].create_dataset(name, data=array.T, compression="gzip", shuffle=not text)
            data.attrs["MATLAB_class"] = np.bytes_("char" if text else "double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\x00\x02IM")
    return path


def _packed(path: Path, arrays: SimpleNamespace, libver: str) -> Path:
    """Chunks, filters, links, references and texts of variable length: what the plain forms lack."""
    with h5py.File(path, "w", libver=libver, track_order=libver == "latest") as file:
        options = {"chunks": (1, 1, 12, 10), "compression": "gzip", "shuffle": True, "fletcher32": True}
        kspace = file.create_dataset("kspace", data=arrays.kspace, **options)
        kspace.attrs["words"] = ["of", "variable length"]
        kspace.attrs["seen"] = kspace.ref
        file.create_dataset("noise", data=arrays.kspace[0].reshape(3, -1), compression="lzf", chunks=(3, 20))
        file["mask"] = np.ones(10, bool)
        file["again"] = h5py.SoftLink("/kspace")
        file["more/deep/group/text"] = "a text"
        file.create_dataset("more/growing", data=np.arange(40), maxshape=(None,), chunks=(7,))
        file.create_dataset("more/scaled", data=np.arange(400).reshape(20, 20), scaleoffset=0, chunks=(5, 5))
        file["more/refs"] = np.array([kspace.ref, file["mask"].ref], dtype=h5py.ref_dtype)
        ragged = file.create_dataset("more/ragged", 2, h5py.vlen_dtype(np.int32))
        ragged[0], ragged[1] = np.arange(3, dtype=np.int32), np.arange(5, dtype=np.int32)
        file.attrs.update(acquisition="AXT2", many=np.arange(100.0))
        for number in range(12):
            file["more"].attrs[f"attribute {number}"] = number
    return path

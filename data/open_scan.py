"""Open a scan file of any known format, chosen by its content."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.samples.catalogue import locate
from proxflow.data.scan import Scan

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
NUMPY_SIGNATURES = (b"\x93NUMPY", b"PK\x03\x04")


def open_scan(path: str | Path, reader: str = "auto") -> Scan:
    """The scan at ``path``, a file or ``sample://NAME``, opened but with no samples read yet.

    Args:
        path: an ISMRMRD, fastMRI or Proxflow HDF5 file; a BART pair, named with ``.cfl``, ``.hdr`` or
            neither; a ``.npy`` or ``.npz`` file with its sidecar.
        reader: "auto" to choose by content, or a name of ``READERS`` to force one.

    Raises ScanError, in one sentence, if there is no such file, it is not a scan, or it is unsound.
    """
    file = locate(path)
    if reader != "auto" and reader not in READERS:
        close = difflib.get_close_matches(reader, READERS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ScanError(f"reader must be auto or one of {', '.join(READERS)}, got {reader}{hint}")
    if file.is_dir():
        raise ScanError(f"{file} must be a scan file, got a folder")
    if not file.is_file() and not _is_bart_stem(file):
        raise ScanError(f"{file} must be an existing file, got none there")
    return READERS[_detect(file) if reader == "auto" else reader](file)


def _is_bart_stem(path: Path) -> bool:
    return path.with_name(path.name + ".hdr").is_file() and path.with_name(path.name + ".cfl").is_file()


def _detect(path: Path) -> str:
    if path.suffix in (".cfl", ".hdr") or not path.is_file():
        return "bart"
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ScanError(f"{path} must be a file that can be read, got: {error.strerror}") from None
    if head.startswith(HDF5_SIGNATURE):
        return _detect_hdf5(path)
    if head.startswith(NUMPY_SIGNATURES):
        return "numpy"
    if not head:
        raise ScanError(f"{path} must be a scan file, got an empty file")
    raise ScanError(f"{path} must be a scan in HDF5, BART or NumPy form, got a file of unknown content")


def _detect_hdf5(path: Path) -> str:
    from proxflow.data.readers.fastmri import is_fastmri
    from proxflow.data.readers.hdf5_file import open_hdf5, reading, top_level
    from proxflow.data.readers.ismrmrd_h5 import is_ismrmrd
    from proxflow.data.readers.proxflow_h5 import is_proxflow

    with open_hdf5(path) as file, reading(path, "the file's structure"):
        for name, fits in (("proxflow", is_proxflow), ("ismrmrd", is_ismrmrd), ("fastmri", is_fastmri)):
            if fits(file):
                return name
        raise ScanError(
            f"{path} must be a scan (Proxflow, ISMRMRD or fastMRI), got an HDF5 file with {top_level(file)}"
        )


def _open_ismrmrd(path: Path) -> Scan:
    from proxflow.data.readers.ismrmrd_h5 import IsmrmrdScan

    return IsmrmrdScan(path)


def _open_fastmri(path: Path) -> Scan:
    from proxflow.data.readers.fastmri import FastMriScan

    return FastMriScan(path)


def _open_bart(path: Path) -> Scan:
    from proxflow.data.readers.bart import BartScan

    return BartScan(path)


def _open_numpy(path: Path) -> Scan:
    from proxflow.data.readers.numpy_array import NumpyScan

    return NumpyScan(path)


def _open_proxflow(path: Path) -> Scan:
    from proxflow.data.readers.proxflow_h5 import ProxflowScan

    return ProxflowScan(path)


# Each opener imports its libraries when called: h5py and ismrmrd are slow to import.
READERS: dict[str, Callable[[Path], Scan]] = {
    "ismrmrd": _open_ismrmrd,
    "fastmri": _open_fastmri,
    "bart": _open_bart,
    "numpy": _open_numpy,
    "proxflow": _open_proxflow,
}

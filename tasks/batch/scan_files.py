"""Which files of a folder are scans, and which belong to another scan or are still being copied."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.forms import PAGES, SIGNATURES
from proxflow.data.open_scan import open_scan
from proxflow.data.picture_names import NIFTI_NAMES
from proxflow.data.readers.dicom_series import is_dicom
from proxflow.data.readers.merit import COMPANIONS
from proxflow.data.readers.sidecar_yaml import sidecar_path

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~")  # names copies go under
SELF_CONTAINED = (".h5", ".hdf5", ".hdf", ".nxs", ".cfl")  # all a scan needs, or all but a file of its stem
WITH_COMPANIONS = (".mat", ".npy", ".npz", ".tif", ".tiff", ".csv")
HEAD_BYTES = 16
ZIP = b"PK\x03\x04"  # how .npz files begin, and many a document
KNOWN_HEADS = tuple(head for heads in SIGNATURES.values() for head in heads if head != ZIP)
PICTURE_HEADS = SIGNATURES["Picture"]


def is_ignored(name: str) -> bool:
    """Whether a file's name says that it is hidden, or not written to its end."""
    return name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED)


def looks_like_scan(path: Path, reader: str = "auto") -> bool:
    """Whether a file of a folder is one to try: by its name, else by its first bytes; a folder if it is a
    stack of TIFF pages with its sidecar. Half of a BART pair is told by its ``.cfl``. Pictures, DICOM files
    and folders of a series too, are only where the reader says so: previews lie beside scans."""
    if path.is_dir():
        return is_scan_folder(path, reader)
    suffix = path.suffix.lower()
    if is_ignored(path.name) or path.name in COMPANIONS or suffix == ".hdr" or not path.is_file():
        return False
    if suffix == ".dat":
        return _is_twix(path)
    head = _head(path)
    if head.startswith(PICTURE_HEADS) or path.name.lower().endswith(NIFTI_NAMES) or is_dicom(path):
        return reader == "image"
    return suffix in (*SELF_CONTAINED, *WITH_COMPANIONS) or head.startswith(KNOWN_HEADS)


def is_scan_folder(path: Path, reader: str = "auto") -> bool:
    """Whether a folder is itself a scan: TIFF pages with a sidecar in it or beside it; where the reader is
    ``image`` also DICOM files, a series, with no other scans among them."""
    try:
        files = [file for file in path.iterdir() if file.is_file() and not is_ignored(file.name)]
    except OSError:
        return False
    if any(file.suffix.lower() in PAGES for file in files):
        return sidecar_path(path) is not None
    if reader != "image":
        return False
    others = [file for file in files if not is_dicom(file)]
    return len(others) < len(files) and not any(looks_like_scan(file, reader) for file in others)


def companions_of(path: Path, reader: str = "auto") -> frozenset[Path]:
    """The files a scan is made of besides ``path``; none where it cannot be opened, or never has any."""
    if path.is_file() and path.suffix.lower() not in WITH_COMPANIONS:
        header = path.with_suffix(".hdr")
        return frozenset([header] if path.suffix.lower() == ".cfl" and header.is_file() else [])
    try:
        with open_scan(path, reader) as scan:
            return frozenset(file.absolute() for file in scan.info.companions)
    except ScanError:
        return frozenset()


def without_companions(paths: Iterable[Path], reader: str = "auto") -> list[Path]:
    """``paths`` in order without those that another of them is made of, such as flat fields."""
    ordered = sorted(paths)
    taken: set[Path] = set()
    for path in ordered:
        if path.absolute() not in taken:
            taken |= companions_of(path, reader) - {path.absolute()}
    return [path for path in ordered if path.absolute() not in taken]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _is_twix(path: Path) -> bool:
    from proxflow.data.readers.twix import is_twix

    try:
        return is_twix(path)
    except OSError:
        return False

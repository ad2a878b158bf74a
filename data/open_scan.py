"""Open a scan file of any known format, chosen by its content."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from proxflow.data.errors import ScanError
from proxflow.data.samples.catalogue import locate
from proxflow.data.scan import Scan

Test = Callable[[Any], bool]


class Form(NamedTuple):
    """A form that scans have: its reader, and the function that tells it from the others of a name.

    ``told_by`` names a function of the reader's module, of an open HDF5 file or a path; or gives the
    ``modality`` that a sidecar must name; None takes what is left, and says what is wrong with it.
    """

    module: str
    reader: str
    told_by: str | None = None
    modality: str | None = None


READERS: dict[str, tuple[Form, ...]] = {
    "proxflow": (
        Form("radial_h5", "RadialH5Scan", "is_radial_h5"),
        Form("sinogram_h5", "SinogramH5Scan", "is_sinogram_h5"),
        Form("radar_h5", "RadarH5Scan", "is_radar_h5"),
        Form("proxflow_h5", "ProxflowScan"),
    ),
    "ismrmrd": (
        Form("ismrmrd_radial", "RadialIsmrmrdScan", "is_radial_ismrmrd"),
        Form("ismrmrd_h5", "IsmrmrdScan"),
    ),
    "fastmri": (Form("fastmri", "FastMriScan"),),
    "nxtomo": (Form("nxtomo", "NxtomoScan"),),
    "dxchange": (Form("dxchange", "DxchangeScan"),),
    "bart": (Form("bart", "BartScan"),),
    "twix": (Form("twix", "TwixScan"),),
    "htc2022": (Form("htc2022", "Htc2022Scan"),),
    "gotcha": (Form("gotcha", "GotchaScan"),),
    "merit": (Form("merit", "MeritScan"),),
    "tiff": (Form("tiff_stack", "TiffStackScan"),),
    "matlab": (Form("radar_array", "RadarArrayScan"),),
    "csv": (Form("radar_array", "RadarArrayScan"),),
    "numpy": (
        Form("radial_npz", "RadialNpzScan", "is_radial_npz"),
        Form("sinogram_array", "SinogramArrayScan", modality="ct"),
        Form("radar_array", "RadarArrayScan", modality="radar"),
        Form("numpy_array", "NumpyScan"),
    ),
}
# What tells a name within a container: the first whose function holds is taken, the last needs none.
IN_HDF5 = (
    ("proxflow", "proxflow_h5:is_proxflow"),
    ("ismrmrd", "ismrmrd_h5:is_ismrmrd"),
    ("nxtomo", "nxtomo:is_nxtomo"),
    ("dxchange", "dxchange:is_dxchange"),
    ("fastmri", "fastmri:is_fastmri"),
)
IN_MATLAB = (
    ("htc2022", "htc2022:is_htc2022"),
    ("gotcha", "gotcha:is_gotcha"),
    ("matlab", "radar_array:is_radar_array"),
)


def open_scan(path: str | Path, reader: str = "auto") -> Scan:
    """The scan at ``path``, a file, a folder or ``sample://NAME``, opened but with no samples read yet.

    Args:
        path: see docs/file-format.md; a BART pair is named with ``.cfl``, ``.hdr`` or neither, a TIFF stack
            by its folder or file.
        reader: "auto" to choose by content, or a name of ``READERS`` to force one.

    Raises ScanError, in one sentence, if there is no such file, it is not a scan, or it is unsound.
    """
    file = locate(path)
    if reader != "auto" and reader not in READERS:
        close = difflib.get_close_matches(reader, READERS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ScanError(f"reader must be auto or one of {', '.join(READERS)}, got {reader}{hint}")
    if file.is_dir() and reader not in ("auto", "tiff"):
        raise ScanError(f"{file} must be a scan file, got a folder")
    if not file.exists() and not _is_bart_stem(file):
        raise ScanError(f"{file} must be an existing file, got none there")
    name = _detect(file) if reader == "auto" else reader
    form = next(form for form in READERS[name] if _fits(form, file))
    opened: Scan = _of(form.module, form.reader)(file)
    return opened


def _is_bart_stem(path: Path) -> bool:
    return path.with_name(path.name + ".hdr").is_file() and path.with_name(path.name + ".cfl").is_file()


def _detect(path: Path) -> str:
    if path.is_dir():
        return "tiff"
    if path.suffix in (".cfl", ".hdr") or not path.is_file():
        return "bart"
    try:
        with path.open("rb") as file:
            head = file.read(128)
    except OSError as error:
        raise ScanError(f"{path} must be a file that can be read, got: {error.strerror}") from None
    if not head:
        raise ScanError(f"{path} must be a scan file, got an empty file")
    for tells, name in CONTAINERS:
        if tells(head, path):
            return name(path) if callable(name) else name
    raise ScanError(
        f"{path} must be a scan in HDF5, MATLAB, NumPy, TIFF, BART or CSV form, got a file of unknown content"
    )


def _in_hdf5(path: Path) -> str:
    from proxflow.data.readers.hdf5_file import open_hdf5, reading, top_level

    with open_hdf5(path) as file, reading(path, "the file's structure"):
        for name, told_by in IN_HDF5:
            if _of(*told_by.split(":"))(file):
                return name
        raise ScanError(
            f"{path} must be a scan (Proxflow, ISMRMRD, fastMRI, NXtomo or DXchange), got an HDF5 file with "
            f"{top_level(file)}"
        )


def _in_matlab(path: Path) -> str:
    from proxflow.data.readers.mat_struct import mat_names

    for name, told_by in IN_MATLAB:
        if _of(*told_by.split(":"))(path):
            return name
    raise ScanError(
        f"{path} must be a scan (HTC2022, Gotcha, a near-field array, or radar with a sidecar), got a MATLAB "
        f"file with {', '.join(sorted(mat_names(path))[:8]) or 'no variables'}"
    )


def _starts(*signatures: bytes) -> Callable[[bytes, Path], bool]:
    return lambda head, _: head.startswith(signatures)


def _ends(suffix: str) -> Callable[[bytes, Path], bool]:
    return lambda _, path: path.suffix.lower() == suffix


def _in_csv(path: Path) -> str:
    return "merit" if _of("merit", "is_merit")(path) else "csv"


CONTAINERS: tuple[tuple[Callable[[bytes, Path], bool], str | Callable[[Path], str]], ...] = (
    (_starts(b"\x89HDF\r\n\x1a\n"), _in_hdf5),
    (_starts(b"MATLAB "), _in_matlab),
    (_starts(b"\x93NUMPY", b"PK\x03\x04"), "numpy"),
    (_starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff"),
    (_ends(".csv"), _in_csv),
    (_ends(".dat"), "twix"),
)


def _fits(form: Form, path: Path) -> bool:
    if form.modality is not None:
        from proxflow.data.readers.sidecar_fields import sidecar_modality

        return sidecar_modality(path) == form.modality
    if form.told_by is None:
        return True
    tells: Test = _of(form.module, form.told_by)
    return _in_open_hdf5(path, tells) if path_is_hdf5(path) else tells(path)


def _in_open_hdf5(path: Path, tells: Test) -> bool:
    from proxflow.data.readers.hdf5_file import open_hdf5, reading

    with open_hdf5(path) as file, reading(path, "the file's structure"):
        return bool(tells(file))


def path_is_hdf5(path: Path) -> bool:
    """Whether the file starts as HDF5 does."""
    with path.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def _of(module: str, name: str) -> Any:
    """A name of a reader's module, imported now: h5py, scipy and ismrmrd are slow to import."""
    return getattr(import_module(f"proxflow.data.readers.{module}"), name)

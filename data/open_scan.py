"""Open a scan file of any known format, chosen by its content."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxflow.data.as_series import as_kind
from proxflow.data.errors import ScanError
from proxflow.data.forms import PICTURES_TOO, READERS, SIGNATURES, Container, Form
from proxflow.data.picture_names import NIFTI_NAMES, split_array
from proxflow.data.samples.catalogue import locate
from proxflow.data.scan import Modality, Scan

if TYPE_CHECKING:
    import h5py

WANTED = {
    "HDF5": "a Proxflow, ISMRMRD, fastMRI, NXtomo or DXchange scan",
    "MATLAB": "an HTC2022, Gotcha or near-field MIMO scan, or have a sidecar with 'modality: radar'",
}


def open_scan(
    path: str | Path,
    reader: str = "auto",
    *,
    kind: Modality | None = None,
    schedule: str | None = None,
    array: str | None = None,
) -> Scan:
    """The scan at ``path``, a file, a folder or ``sample://NAME``, opened but with no samples read yet.

    ``FILE::ARRAY`` are the pictures that an HDF5 or .npz file holds under that name; see ``split_array``.

    Args:
        path: see docs/file-format.md; a BART pair is named with ``.cfl``, ``.hdr`` or neither, a TIFF stack
            by its folder or file.
        reader: "auto" to choose by content, or a name of ``READERS`` to force one.
        kind: what the caller takes the file for; it decides where an array of numbers says nothing, and
            makes series of scans that ``as_kind`` can read as such.
        schedule: of ``schedule_angles``, where such an array tells no angles.
        array: the array's name where the caller knows it, "" for none; ``path`` is then not cut.

    Raises ScanError, in one sentence, if there is no such file, it is not a scan, or it is unsound.
    """
    text, array = split_array(str(path)) if array is None else (path, array)
    file = locate(text if array else path)
    if reader != "auto" and reader not in READERS:
        close = difflib.get_close_matches(reader, READERS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ScanError(f"reader must be auto or one of {', '.join(READERS)}, got {reader}{hint}")
    if array and reader not in ("auto", "image"):
        raise ScanError(
            f"reader must be auto or image where an array is named, got {reader} for {file}::{array}"
        )
    found = _container(file)
    if reader == "auto" and (kind == "image" or array):
        reader = "image"
    if reader == "auto":
        if found is None:
            raise ScanError(_unknown(file))
        reader = _kind(file, found)
    else:
        _check_container(file, found, reader)
    form = next(form for form in READERS[reader].forms if _fits(form, file, found, kind))
    told = (schedule,) if form.bare else (array,) if reader == "image" else ()
    opened: Scan = _of(form.module, form.reader)(file, *told)
    return as_kind(opened, kind)


def _container(path: Path) -> Container | None:
    """What holds the scan: told by the first bytes, else by the name; None if neither is known."""
    if path.is_dir():
        return "Picture" if _of("dicom_series", "is_dicom_folder")(path) else "TIFF"
    if path.suffix in (".cfl", ".hdr") or _is_bart_stem(path):
        if not (path.exists() or _is_bart_stem(path.with_suffix(""))):
            raise ScanError(f"{path} must be an existing file, got none there")
        return "BART"
    if not path.exists():
        raise ScanError(f"{path} must be an existing file, got none there")
    if not path.is_file():
        raise ScanError(f"{path} must be a file or a folder, got a pipe or device")
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        raise ScanError(f"{path} must be a file that can be read, got: {error.strerror}") from None
    if not head:
        raise ScanError(f"{path} must be a scan file, got an empty file")
    for container, signatures in SIGNATURES.items():
        if head.startswith(signatures):
            return container
    if path.suffix.lower() == ".csv":
        return "CSV"
    if path.name.lower().endswith(NIFTI_NAMES) or head[128:] == b"DICM":
        return "Picture"
    return "Twix" if path.suffix.lower() == ".dat" and _of("twix", "is_twix")(path) else None


def _is_bart_stem(path: Path) -> bool:
    return path.with_name(path.name + ".hdr").is_file() and path.with_name(path.name + ".cfl").is_file()


def _unknown(path: Path) -> str:
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        return f"{path} must be a scan file, got a text that may be its sidecar; name the file beside it"
    forms = "HDF5, MATLAB, NumPy, TIFF, BART, CSV, Twix, NIfTI, PNG, JPEG or DICOM"
    return f"{path} must be in {forms} form, got unknown content"


def _check_container(path: Path, found: Container | None, reader: str) -> None:
    """Refuse a forced reader where the first bytes tell of another container."""
    wanted = READERS[reader].container
    if reader == "image" and found in PICTURES_TOO:
        return
    if found != wanted and (found in SIGNATURES or wanted in SIGNATURES):
        got = "a folder" if path.is_dir() else found or "a file of other content"
        raise ScanError(f"{path} must be a {wanted} file for the reader {reader}, got {got}")


def _kind(path: Path, container: Container) -> str:
    """The first of a container's kinds that says the file is its own."""
    for name, kind in READERS.items():
        if kind.container == container and (kind.told_by is None or _tells(kind.told_by, path, container)):
            return name
    raise ScanError(f"{path} must be {WANTED[container]}, got {_content(path, container)}")


def _content(path: Path, container: Container) -> str:
    """What a file that is no scan holds."""
    if container == "MATLAB":
        names = _of("mat_struct", "mat_names")(path)
        return f"a MATLAB file with {', '.join(sorted(names)[:8]) or 'no variables'}"
    return _in_hdf5(path, _hdf5_content)


def _hdf5_content(file: h5py.File) -> str:
    form = file.attrs.get("proxflow_format")
    kind = f"a Proxflow {form}" if isinstance(form, str) else "an HDF5 file"
    return f"{kind} with {_of('hdf5_file', 'top_level')(file)}"


def _fits(form: Form, path: Path, container: Container | None, kind: Modality | None) -> bool:
    if form.modality is not None:
        if form.bare and kind == form.modality and _of("sidecar_yaml", "sidecar_path")(path) is None:
            return True
        return bool(_of("sidecar_yaml", "sidecar_modality")(path) == form.modality)
    return form.told_by is None or _tells(f"{form.module}:{form.told_by}", path, container)


def _tells(told_by: str, path: Path, container: Container | None) -> bool:
    tells = _of(*told_by.split(":"))
    return bool(_in_hdf5(path, tells) if container == "HDF5" else tells(path))


def _in_hdf5(path: Path, asks: Callable[[h5py.File], Any]) -> Any:
    from proxflow.data.readers.hdf5_file import open_hdf5, reading

    with open_hdf5(path) as file, reading(path, "the file's structure"):
        return asks(file)


def _of(module: str, name: str) -> Any:
    """A name of a reader's module, imported now: h5py, scipy and ismrmrd are slow to import."""
    return getattr(import_module(f"proxflow.data.readers.{module}"), name)

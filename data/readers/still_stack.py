"""Stacks of still images from the files people have: NIfTI, NumPy, HDF5, DICOM, TIFF, PNG and JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import SIGNATURES
from proxflow.data.picture_names import NIFTI_NAMES
from proxflow.data.readers.dicom_series import is_dicom, read_dicom, read_dicom_series
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, read_all, reading, top_level
from proxflow.data.readers.hdf5_images import as_text, own_arrays, said_of
from proxflow.data.readers.npz_arrays import is_npz, is_numpy, npz_keys, read_npy, read_npz
from proxflow.data.readers.tiff_pages import TiffPages, is_tiff

WHO = ("patient", "subject")  # arrays that name the subject of each image
NUMBERS = "biufc"  # kinds of dtype
GREY = {"1": np.uint8, "L": np.uint8, "I;16": np.uint16, "I": np.int32, "F": np.float32}  # Pillow's modes


class StillStack(NamedTuple):
    """images: (..., y, x), of the file's type.  whose: the subject of each, () where the file does not say.
    source: what the file says of itself.  files: what a folder is made of."""

    images: NDArray
    whose: Sequence[str] = ()
    source: dict[str, str] = {}  # noqa: RUF012
    files: tuple[Path, ...] = ()


def read_stack(path: Path, array: str = "") -> StillStack:
    """The images of an existing file, by its content, or of a folder, which is one DICOM series.

    NIfTI, by its name: slices along the last axis. NumPy and HDF5: (..., y, x), the array ``array`` or the
    only one; values are multiplied by an attribute ``factor``. TIFF: its pages. PNG and JPEG: grey
    ones. DICOM: one file.

    Raises ScanError where it is none of these, or not read, or has no named arrays where one is asked for.
    """
    if path.is_dir():
        _refuse_array(path, array)
        images, files = read_dicom_series(path)
        return StillStack(images, files=files)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(SIGNATURES["HDF5"]):
        return _hdf5(path, array)
    if is_numpy(path) and is_npz(path):
        return _npz(path, array)
    _refuse_array(path, array)
    if path.name.lower().endswith(NIFTI_NAMES):
        return StillStack(_nifti(path))
    if is_numpy(path):
        return StillStack(read_npy(path))
    if is_tiff(head):
        return StillStack(_tiff(path))
    if head.startswith(SIGNATURES["Picture"]):
        return StillStack(_picture(path))
    if is_dicom(path):
        return StillStack(read_dicom(path))
    raise ScanError(
        f"images must be NIfTI, .npy, .npz, HDF5, TIFF, PNG, JPEG, DICOM or a DICOM folder, got {path.name}"
    )


def _refuse_array(path: Path, array: str) -> None:
    if array:
        raise ScanError(
            f"{path.name} must be an HDF5 or .npz file to hold an array {array}, got another form"
        )


def _nifti(path: Path) -> NDArray:
    import nibabel

    try:
        volume = np.asanyarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    except Exception as error:  # nibabel raises what the damaged byte happens to cause
        raise ScanError(f"{path.name} must be a readable NIfTI file, got an error: {error}") from error
    return np.moveaxis(volume, (0, 1), (-1, -2)) if volume.ndim >= 2 else volume


def _npz(path: Path, array: str) -> StillStack:
    keys = npz_keys(path)
    who = next((key for key in WHO if key in keys), None)
    name = array or _only([key for key in keys if key not in WHO], "images", path)
    found = read_npz(path, [name] + ([who] if who else []))
    return StillStack(found[name], _names(found[who]) if who else ())


def _hdf5(path: Path, array: str) -> StillStack:
    with open_hdf5(path) as file, reading(path, "the file's structure"):
        stacks = [] if array else [n for n, s in own_arrays(file, path, NUMBERS).items() if len(s) >= 2]
        name = array or _only(stacks, "images", path)
        if file.get(name, getlink=True) is None:
            raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")
        dataset = own_dataset(file, path, name)
        if dataset.dtype.kind not in NUMBERS:
            raise ScanError(f"{path.name}: {name} must hold numbers, got {dataset.dtype}")
        said = said_of(file, path, dataset)
        images = said.scaled(read_all(path, dataset))
        who = next((key for key in WHO if key in file), None)
        whose = _names(read_all(path, own_dataset(file, path, who))) if who else ()
    return StillStack(images, whose, said.source | ({"units": said.units} if said.units else {}))


def _names(found: NDArray) -> list[str]:
    """One name or several, as texts."""
    return [as_text(one) for one in np.ravel(found)]


def _only(names: Sequence[str], usual: str, path: Path) -> str:
    if usual in names or len(names) == 1:
        return usual if usual in names else names[0]
    held = ", ".join(names[:8]) or "none"
    raise ScanError(
        f"{path.name} must hold one stack of images, or be named as {path.name}::NAME, got {held}"
    )


def _tiff(path: Path) -> NDArray:
    pages = TiffPages(path)
    try:
        n_pages, n_rows, _ = pages.shape
        return np.stack([pages.rows(page, 0, n_rows) for page in range(n_pages)])
    finally:
        pages.close()


def _picture(path: Path) -> NDArray:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as opened:
            mode, bands = opened.mode, opened.getbands()
            image = np.asarray(opened, dtype=GREY[mode]) if mode in GREY else None
    except Exception as error:  # Pillow raises what the damaged byte happens to cause
        raise ScanError(f"{path.name} must be a readable picture, got an error: {error}") from error
    if image is None:
        raise ScanError(
            f"{path.name} must be a grey picture, got {len(bands)} channel{'s' * (len(bands) > 1)} ({mode})"
        )
    return image

"""Stacks of still images from the files people have: NIfTI, NumPy, HDF5, DICOM, TIFF, PNG and JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import SIGNATURES
from proxflow.data.picture_names import NIFTI_NAMES
from proxflow.data.readers.dicom_series import dicom_file, dicom_series, is_dicom
from proxflow.data.readers.hdf5_stack import hdf5_stack
from proxflow.data.readers.nifti_stack import nifti_stack
from proxflow.data.readers.npz_arrays import is_npz, is_numpy, npz_forms, read_npy, read_npz
from proxflow.data.readers.stack_names import NUMBERS, WHO, names_of, only_stack
from proxflow.data.readers.still_stack import StillStack, held_stack, mapped_stack
from proxflow.data.readers.tiff_pages import TiffPages, is_tiff

GREY = {"1": np.uint8, "L": np.uint8, "I;16": np.uint16, "I": np.int32, "F": np.float32}  # Pillow's modes


def open_stack(path: Path, array: str = "") -> StillStack:
    """The images of an existing file, by its content, or of a folder, which is one DICOM series.

    NIfTI, by its name: slices along the last axis. NumPy and HDF5: (..., y, x), the array ``array`` or the
    only one; values are multiplied by an attribute ``factor``. TIFF: its pages. PNG and JPEG: grey
    ones. DICOM: one file. Images are read one by one, but of ``.nii.gz`` and ``.npz`` all at once.

    Raises ScanError where it is none of these, or not read, or has no named arrays where one is asked for.
    """
    if path.is_dir():
        _refuse_array(path, array)
        return dicom_series(path)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(SIGNATURES["HDF5"]):
        return hdf5_stack(path, array)
    if is_numpy(path) and is_npz(path):
        return _npz(path, array)
    _refuse_array(path, array)
    if path.name.lower().endswith(NIFTI_NAMES):
        return nifti_stack(path)
    if is_numpy(path):
        return mapped_stack(read_npy(path))
    if is_tiff(head):
        return _tiff(path)
    if head.startswith(SIGNATURES["Picture"]):
        image = _picture(path)
        return held_stack(lambda: image, image.shape, image.dtype, held_bytes=image.nbytes)
    if is_dicom(path):
        return dicom_file(path)
    raise ScanError(
        f"images must be NIfTI, .npy, .npz, HDF5, TIFF, PNG, JPEG, DICOM or a DICOM folder, got {path.name}"
    )


def _refuse_array(path: Path, array: str) -> None:
    if array:
        raise ScanError(
            f"{path.name} must be an HDF5 or .npz file to hold an array {array}, got another form"
        )


def _npz(path: Path, array: str) -> StillStack:
    forms = npz_forms(path)
    name = array or only_stack({key: f.shape for key, f in forms.items() if f.dtype.kind in NUMBERS}, path)
    if name not in forms:
        raise ScanError(f"{path.name} must hold the key {name}, got {', '.join(forms) or 'nothing'}")
    who = next((key for key in WHO if key in forms), None)
    whose = names_of(read_npz(path, [who])[who]) if who else ()
    form = forms[name]
    return held_stack(
        lambda: read_npz(path, [name])[name], form.shape, form.dtype, whose, held_bytes=form.nbytes
    )


def _tiff(path: Path) -> StillStack:
    pages = TiffPages(path)
    n_rows = pages.shape[1]
    return StillStack(
        pages.shape, pages.dtype, lambda index: pages.rows(index[0], 0, n_rows), close=pages.close
    )


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

"""Stacks of still images from the files people have: NIfTI, NumPy, HDF5, DICOM, TIFF, PNG and JPEG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import SIGNATURES
from proxflow.data.picture_names import NIFTI_NAMES
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, read_all, reading, top_level
from proxflow.data.readers.npz_arrays import is_npz, is_numpy, npz_keys, read_npy, read_npz
from proxflow.data.readers.tiff_pages import TiffPages, is_tiff

WHO = ("patient", "subject")  # arrays that name the subject of each image
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
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
    only one; values are multiplied by an attribute ``factor``. TIFF: its pages. PNG and JPEG: grey ones.

    Raises ScanError where it is none of these, or not read.
    """
    if path.is_dir():
        return _dicom_series(path)
    if path.name.lower().endswith(NIFTI_NAMES):
        return StillStack(_nifti(path))
    with path.open("rb") as file:
        head = file.read(8)
    if is_numpy(path):
        return _numpy(path, array)
    if head == HDF5_MAGIC:
        return _hdf5(path, array)
    if is_tiff(head):
        return StillStack(_tiff(path))
    if head.startswith(SIGNATURES["Picture"]):
        return StillStack(_picture(path))
    raise ScanError(
        f"images must be NIfTI, .npy, .npz, HDF5, TIFF, PNG, JPEG or a DICOM folder, got {path.name}"
    )


def _nifti(path: Path) -> NDArray:
    import nibabel

    try:
        volume = np.asanyarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    except Exception as error:  # nibabel raises what the damaged byte happens to cause
        raise ScanError(f"{path.name} must be a readable NIfTI file, got an error: {error}") from error
    return np.moveaxis(volume, (0, 1), (-1, -2)) if volume.ndim >= 2 else volume


def _numpy(path: Path, array: str) -> StillStack:
    if not is_npz(path):
        return StillStack(read_npy(path))
    keys = npz_keys(path)
    who = next((key for key in WHO if key in keys), None)
    name = array or _only([key for key in keys if key not in WHO], "images", path)
    found = read_npz(path, [name] + ([who] if who else []))
    return StillStack(found[name], [str(one) for one in found[who]] if who else ())


def _hdf5(path: Path, array: str) -> StillStack:
    with open_hdf5(path) as file:
        stacks = [name for name in file if getattr(file[name], "ndim", 0) >= 2]
        name = array or _only(stacks, "images", path)
        if name not in file:
            raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")
        dataset = own_dataset(file, path, name)
        images, factor, units = (
            read_all(path, dataset),
            dataset.attrs.get("factor"),
            dataset.attrs.get("units"),
        )
        who = next((key for key in WHO if key in file), None)
        names = read_all(path, own_dataset(file, path, who)) if who else ()
        with reading(path, "source"):
            source = {key: str(text) for key, text in _own_attributes(file)}
    images = images if factor is None else images * float(factor)
    whose = [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in names]
    return StillStack(images, whose, source | ({"units": str(units)} if units is not None else {}))


def _own_attributes(file: h5py.File) -> list[tuple[str, Any]]:
    """Of the group ``source``, if the file itself holds one."""
    own = isinstance(file.get("source", getlink=True), h5py.HardLink)
    return list(file["source"].attrs.items()) if own else []


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


def _dicom_series(folder: Path) -> StillStack:
    """All images of one size in the folder, in the order of their instance numbers."""
    import pydicom

    files = tuple(_dicom_files(folder))
    read = [(pydicom.dcmread(path, force=False), path) for path in files]
    read = [(one, path) for one, path in read if "PixelData" in one]
    shapes = {(one.Rows, one.Columns) for one, _ in read}
    if len(shapes) != 1:
        raise ScanError(f"{folder} must hold DICOM images of one size, got {len(shapes)} sizes")
    read.sort(key=lambda pair: int(pair[0].get("InstanceNumber", 0)))
    try:
        planes = [
            one.pixel_array * float(one.get("RescaleSlope", 1)) + float(one.get("RescaleIntercept", 0))
            for one, _ in read
        ]
    except Exception as error:  # pydicom's decoders raise what they like
        raise ScanError(f"{folder} must hold readable DICOM images, got an error: {error}") from error
    return StillStack(np.stack(planes), files=tuple(path for _, path in read))


def _dicom_files(folder: Path) -> Iterator[Path]:
    from pydicom.misc import is_dicom

    return (path for path in sorted(folder.iterdir()) if path.is_file() and is_dicom(path))

"""Images on which a denoiser is trained: slices of subjects, from files people have."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, read_all, top_level
from proxflow.data.readers.npz_arrays import is_npz, npz_keys, read_npy, read_npz

Images = dict[str, list[NDArray[np.float32]]]
WHO = ("patient", "subject")  # arrays that name the subject of each image
NAMED = re.compile(r"([A-Za-z0-9_.-]+)=(.+)")


def read_still_images(source: str) -> Images:
    """Images float32 (y, x) by subject, in the unit of the file; of complex ones the magnitude.

    source: a path, or ``SUBJECT=PATH``, or ``PATH::NAME`` for one array of an HDF5 or .npz file. NIfTI:
    slices along the last axis. NumPy and HDF5: (..., y, x). A folder is one DICOM series, in the unit its
    rescaling gives. An array ``patient`` or ``subject`` beside the images says whose each is; else the file's
    name does.

    Raises ScanError where there is no such file, or it is not read as images.
    """
    named = NAMED.fullmatch(source)
    subject, place = (named[1], named[2]) if named else (None, source)
    text, _, array = place.partition("::")
    path = Path(text).expanduser()
    if not path.exists():
        raise ScanError(f"images must be existing files, got {path}")
    stack, whose = _read(path, array)
    if stack.ndim < 2 or stack.size == 0 or stack.dtype.kind not in "iufc":
        raise ScanError(
            f"{path.name} must hold images (..., y, x) of numbers, got {stack.dtype} {stack.shape}"
        )
    stack = np.abs(stack) if stack.dtype.kind == "c" else stack
    images = stack.reshape(-1, *stack.shape[-2:]).astype(np.float32)
    if not np.isfinite(images).all():
        raise ScanError(f"{path.name} must hold finite numbers, got NaN or infinity")
    if subject or len(whose) != len(images):
        return {subject or path.name.split(".")[0]: list(images)}
    return {name: [images[i] for i in range(len(images)) if whose[i] == name] for name in sorted(set(whose))}


def matching_sources(source: str) -> list[str]:
    """What ``source`` stands for, each as ``read_still_images`` takes it: itself, or the paths that match it
    where it holds ``*``, ``?`` or ``[...]`` and no file has that very name.

    Raises ScanError where none does.
    """
    named = NAMED.fullmatch(source)
    subject, place = (f"{named[1]}=", named[2]) if named else ("", source)
    text, colons, array = place.partition("::")
    path = Path(text).expanduser()
    if path.exists() or not glob.has_magic(text):
        return [source]
    found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    if not found:
        raise ScanError(f"images must match existing files, got none for {text}")
    return [f"{subject}{match}{colons}{array}" for match in found]


def _read(path: Path, array: str) -> tuple[NDArray, Sequence[str]]:
    """The images, and whose they are where the file says it."""
    if path.is_dir():
        return _dicom_series(path), ()
    if path.name.endswith((".nii", ".nii.gz")):
        return _nifti(path), ()
    if path.suffix in (".npy", ".npz"):
        return _numpy(path, array)
    if path.suffix in (".h5", ".hdf5"):
        return _hdf5(path, array)
    raise ScanError(f"images must be NIfTI, .npy, .npz, HDF5 or a DICOM folder, got {path.name}")


def _nifti(path: Path) -> NDArray:
    import nibabel

    try:
        volume = np.asanyarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    except Exception as error:  # nibabel raises what the damaged byte happens to cause
        raise ScanError(f"{path.name} must be a readable NIfTI file, got an error: {error}") from error
    return np.moveaxis(volume, (0, 1), (-1, -2)) if volume.ndim >= 2 else volume


def _numpy(path: Path, array: str) -> tuple[NDArray, Sequence[str]]:
    if not is_npz(path):
        return read_npy(path), ()
    keys = npz_keys(path)
    who = next((key for key in WHO if key in keys), None)
    name = array or _only([key for key in keys if key not in WHO], "images", path)
    found = read_npz(path, [name] + ([who] if who else []))
    return found[name], [str(one) for one in found[who]] if who else ()


def _hdf5(path: Path, array: str) -> tuple[NDArray, Sequence[str]]:
    with open_hdf5(path) as file:
        stacks = [name for name in file if getattr(file[name], "ndim", 0) >= 2]
        name = array or _only(stacks, "images", path)
        if name not in file:
            raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")
        images = read_all(path, own_dataset(file, path, name))
        who = next((key for key in WHO if key in file), None)
        names = read_all(path, own_dataset(file, path, who)) if who else ()
        return images, [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in names]


def _only(names: Sequence[str], usual: str, path: Path) -> str:
    if usual in names or len(names) == 1:
        return usual if usual in names else names[0]
    held = ", ".join(names[:8]) or "none"
    raise ScanError(
        f"{path.name} must hold one stack of images, or be named as {path.name}::NAME, got {held}"
    )


def _dicom_series(folder: Path) -> NDArray:
    """All images of one size in the folder, in the order of their instance numbers."""
    import pydicom

    read = [pydicom.dcmread(path, force=False) for path in _dicom_files(folder)]
    read = [one for one in read if "PixelData" in one]
    shapes = {(one.Rows, one.Columns) for one in read}
    if len(shapes) != 1:
        raise ScanError(f"{folder} must hold DICOM images of one size, got {len(shapes)} sizes")
    read.sort(key=lambda one: int(one.get("InstanceNumber", 0)))
    try:
        planes = [
            one.pixel_array * float(one.get("RescaleSlope", 1)) + float(one.get("RescaleIntercept", 0))
            for one in read
        ]
    except Exception as error:  # pydicom's decoders raise what they like
        raise ScanError(f"{folder} must hold readable DICOM images, got an error: {error}") from error
    return np.stack(planes)


def _dicom_files(folder: Path) -> Iterator[Path]:
    from pydicom.misc import is_dicom

    return (path for path in sorted(folder.iterdir()) if path.is_file() and is_dicom(path))

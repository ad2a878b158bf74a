"""Images on which a denoiser is trained: slices of subjects, from files people have."""

from __future__ import annotations

import glob
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.picture_names import split_array
from proxflow.data.readers.open_stack import open_stack

Images = dict[str, list[NDArray[np.float32]]]
NAMED = re.compile(r"([A-Za-z0-9_.-]+)=(.+)")


def read_still_images(source: str) -> Images:
    """Images float32 (y, x) by subject, in the unit of the file; of complex ones the magnitude.

    source: a path, or ``SUBJECT=PATH``, or ``PATH::NAME`` for one array of an HDF5 or .npz file, as
    ``open_stack`` opens them. A folder is one DICOM series, in the unit its rescaling gives. An array
    ``patient`` or ``subject`` beside the images says whose each is; else the file's name does.

    Raises ScanError where there is no such file, or it is not read as images.
    """
    named = NAMED.fullmatch(source)
    subject, place = (named[1], named[2]) if named else (None, source)
    text, array = split_array(place)
    path = Path(text).expanduser()
    if not path.exists():
        raise ScanError(f"images must be existing files, got {path}")
    with open_stack(path, array) as stack:
        if len(stack.shape) < 2 or 0 in stack.shape or stack.dtype.kind not in "iufc":
            raise ScanError(
                f"{path.name} must hold images (..., y, x) of numbers, got {stack.dtype} {stack.shape}"
            )
        images, whose = [_magnitude(stack.image(number)) for number in range(stack.n_images)], stack.whose
    if not all(np.isfinite(image).all() for image in images):
        raise ScanError(f"{path.name} must hold finite numbers, got NaN or infinity")
    if subject or len(whose) != len(images):
        return {subject or path.name.split(".")[0]: images}
    return {name: [images[i] for i in range(len(images)) if whose[i] == name] for name in sorted(set(whose))}


def matching_sources(source: str) -> list[str]:
    """What ``source`` stands for, each as ``read_still_images`` takes it: itself, or the paths that match it
    where it holds ``*``, ``?`` or ``[...]`` and no file has that very name.

    Raises ScanError where none does.
    """
    named = NAMED.fullmatch(source)
    subject, place = (f"{named[1]}=", named[2]) if named else ("", source)
    text, array = split_array(place)
    if Path(text).expanduser().exists() or not glob.has_magic(place):
        return [source]
    if whole := _matches(place):  # "::" stands in the names of folders or files
        text, array, found = place, "", whole
    else:
        found = _matches(text)
    if not found:
        raise ScanError(f"images must match existing files, got none for {text}")
    return [f"{subject}{match}{'::' if array else ''}{array}" for match in found]


def _magnitude(image: NDArray) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what it gives is refused
        return np.array(np.abs(image) if image.dtype.kind == "c" else image, dtype=np.float32)


def _matches(pattern: str) -> list[str]:
    return sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207

"""Images of DICOM files: one file, or a folder that is one series."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError

MAGIC, MAGIC_AT = b"DICM", 128


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM with its preamble; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False


def read_dicom(path: Path) -> NDArray:
    """The image (y, x), or the frames (frame, y, x), of one file, in the unit its rescaling gives.

    Raises ScanError where it holds none, or is damaged.
    """
    return _rescaled(path, _opened(path))


def read_dicom_series(folder: Path) -> tuple[NDArray, tuple[Path, ...]]:
    """All images (item, ..., y, x) of the series in a folder, in the order of their instance numbers, by name
    where they have none, and their files.

    Raises ScanError where the folder holds no DICOM images, more than one series or size, or a damaged one.
    """
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ScanError(f"{folder} must be a folder that can be read, got: {error.strerror}") from None
    opened = [(_opened(path), path) for path in inside if is_dicom(path)]
    read = [(one, path) for one, path in opened if "PixelData" in one]
    if not read:
        raise ScanError(
            f"{folder} must hold one DICOM series, the only folder of pictures, got {_content(inside)}; "
            "pictures in other files are named one by one, or kept in one stack"
        )
    series = {str(one.get("SeriesInstanceUID") or "") for one, _ in read}
    if len(series) != 1:
        raise ScanError(
            f"{folder} must hold one DICOM series, got {len(series)} values of SeriesInstanceUID; "
            "move each series to a folder of its own"
        )
    read.sort(key=lambda pair: _instance(pair[1], pair[0]))  # sorting keeps the order of those alike
    planes = [_rescaled(path, one) for one, path in read]
    if len(sizes := {plane.shape for plane in planes}) != 1:
        raise ScanError(f"{folder} must hold DICOM images of one size, got {len(sizes)} sizes")
    return np.stack(planes), tuple(path for _, path in read)


def _opened(path: Path) -> Any:
    import pydicom

    try:
        return pydicom.dcmread(path)
    except Exception as error:  # pydicom raises what the damaged byte happens to cause
        raise ScanError(f"{path.name} must be a readable DICOM file, got an error: {error}") from error


def _instance(path: Path, one: Any) -> int:
    try:
        number = one.get("InstanceNumber")
        return 0 if number is None else int(number)
    except (TypeError, ValueError) as error:
        raise ScanError(
            f"{path.name}: InstanceNumber must be a whole number, got an error: {error}"
        ) from error


def _rescaled(path: Path, one: Any) -> NDArray:
    try:
        missing = [name for name in ("PixelData", "Rows", "Columns") if one.get(name) is None]
        if missing:
            raise ScanError(f"{path.name} must hold a DICOM image, got none: it has no {', '.join(missing)}")
        slope, intercept = one.get("RescaleSlope"), one.get("RescaleIntercept")
        return np.asarray(
            one.pixel_array * float(1 if slope is None else slope)
            + float(0 if intercept is None else intercept)
        )
    except ScanError:
        raise
    except Exception as error:  # pydicom's decoders raise what they like
        raise ScanError(f"{path.name} must hold a readable DICOM image, got an error: {error}") from error


def _content(files: list[Path]) -> str:
    """What a folder without DICOM images holds: its files by suffix."""
    kinds = Counter(path.suffix.lower() or "no suffix" for path in files)
    return ", ".join(f"{count} of {kind}" for kind, count in kinds.most_common(4)) or "no files"

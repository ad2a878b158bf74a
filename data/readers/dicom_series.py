"""Images of DICOM files: one file, or a folder that is one series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import PAGES
from proxflow.data.readers.quiet import quiet
from proxflow.data.readers.still_stack import StillStack

NAME = ".dcm"
MAGIC, MAGIC_AT = b"DICM", 128
LONG_BYTES = 4096  # longer values are not read with the header: pixels


class Pixels(NamedTuple):
    """What a file's header tells of its pixels: their shape, ([frame,] y, x), and slope and intercept of each
    frame."""

    shape: tuple[int, ...]
    rescaling: tuple[tuple[float, float], ...]


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM with its preamble; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False


def is_dicom_folder(folder: Path) -> bool:
    """Whether a folder holds a DICOM file, and no TIFF pages; False where it cannot be read."""
    try:
        inside = [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return False
    return not any(path.suffix.lower() in PAGES for path in inside) and any(map(is_dicom, inside))


def dicom_file(path: Path) -> StillStack:
    """The image (y, x), or the frames (frame, y, x), of one file, in the unit its rescaling gives.

    Raises ScanError where it holds none, or is damaged.
    """
    pixels = _pixels(path, _header(path))
    return StillStack(pixels.shape, np.dtype(np.float64), lambda index: _plane(path, pixels, index))


def dicom_series(folder: Path) -> StillStack:
    """All images (item, ..., y, x) of the series in a folder, in the order of their instance numbers, by name
    where they have none, and their files. Opening it reads no pixels. Left out are files of other forms, and
    those that say they are no such images, as a DICOMDIR.

    Raises ScanError where the folder holds no DICOM images, more than one series or size, or a damaged one.
    """
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ScanError(f"{folder} must be a folder that can be read, got: {error.strerror}") from None
    headers = [(_header(path), path) for path in inside if is_dicom(path) or _by_name(path)]
    held = _images(headers)
    if not held:
        raise ScanError(
            f"{folder} must hold one DICOM series, the only folder of pictures, got {_content(inside)}; "
            "pictures in other files are named one by one, or kept in one stack"
        )
    series = {str(one.get("SeriesInstanceUID") or "") for one, _ in held}
    if len(series) != 1:
        raise ScanError(
            f"{folder} must hold one DICOM series, got {len(series)} values of SeriesInstanceUID; "
            "move each series to a folder of its own"
        )
    held.sort(key=lambda pair: _instance(pair[1], pair[0]))  # sorting keeps the order of those alike
    files, pixels = tuple(path for _, path in held), [_pixels(path, one) for one, path in held]
    if len(sizes := {one.shape for one in pixels}) != 1:
        raise ScanError(f"{folder} must hold DICOM images of one size, got {len(sizes)} sizes")
    return StillStack(
        (len(files), *pixels[0].shape),
        np.dtype(np.float64),
        lambda index: _plane(files[index[0]], pixels[index[0]], index[1:]),
        files=files,
    )


def _by_name(path: Path) -> bool:
    return path.suffix.lower() == NAME and not path.name.startswith(".")


def _images(headers: Sequence[tuple[Any, Path]]) -> list[tuple[Any, Path]]:
    """Those with pixels; ScanError where another may have lost them: where it says that it is of the same
    class, or was cut before it could say so."""
    held = [(one, path) for one, path in headers if "PixelData" in one]
    classes = {_class(one) for one, _ in held}
    for one, path in headers:
        if held and "PixelData" not in one and _class(one) in (*classes, None):
            raise ScanError(
                f"{path.name} must hold an image as the files beside it, got none (unfinished file)"
            )
    return held


def _class(one: Any) -> str | None:
    """The class of a file, told at its very beginning."""
    return str(one.file_meta.get("MediaStorageSOPClassUID") or "") or None


def _header(path: Path) -> Any:
    """All but long values, which are left where they are."""
    import pydicom

    with _reading(path, "be a readable DICOM file"):
        return pydicom.dcmread(path, defer_size=LONG_BYTES)


def _instance(path: Path, one: Any) -> int:
    with _reading(path, "have a whole InstanceNumber"):
        number = one.get("InstanceNumber")
        return 0 if number is None else int(number)


def _pixels(path: Path, one: Any) -> Pixels:
    missing = [] if "PixelData" in one else ["PixelData"]
    missing += [name for name in ("Rows", "Columns") if one.get(name) is None]
    if missing:
        raise ScanError(f"{path.name} must hold a DICOM image, got none: it has no {', '.join(missing)}")
    with _reading(path, "hold a readable DICOM image"):
        frames, samples = (int(one.get(name) or 1) for name in ("NumberOfFrames", "SamplesPerPixel"))
        shape = (*((frames,) if frames > 1 else ()), int(one.Rows), int(one.Columns))
        rescaling = tuple(_rescaling(one, frame) for frame in range(max(frames, 1)))
    if samples > 1:
        raise ScanError(f"{path.name} must hold a grey image, got {samples} values a pixel")
    return Pixels(shape, rescaling)


def _rescaling(one: Any, frame: int) -> tuple[float, float]:
    """Slope and intercept of a frame: of enhanced images in its own group or the one that frames share (DICOM
    PS3.3, C.7.6.16.2.9), else the file's."""
    told = one
    for name, number in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        groups = one.get(name)
        if groups and (found := groups[number].get("PixelValueTransformationSequence")):
            told = found[0]
            break
    slope, intercept = told.get("RescaleSlope"), told.get("RescaleIntercept")
    return float(1 if slope is None else slope), float(0 if intercept is None else intercept)


def _plane(path: Path, pixels: Pixels, index: tuple[int, ...]) -> NDArray:
    """The file's image, or one of its frames, rescaled."""
    import pydicom
    from pydicom.pixels import pixel_array

    with _reading(path, "hold a readable DICOM image"):
        image = pixel_array(path, index=index[0]) if index else pixel_array(pydicom.dcmread(path))
        slope, intercept = pixels.rescaling[index[0] if index else 0]
        image = np.asarray(image * slope + intercept)
    if image.shape != pixels.shape[-2:]:
        told = pixels.shape[-2:]
        raise ScanError(f"{path.name} must hold {told} pixels as its header tells, got {image.shape}")
    return image


@contextmanager
def _reading(path: Path, must: str) -> Iterator[None]:
    """pydicom and its decoders raise what the damaged byte happens to cause, and warn besides."""
    try:
        with quiet("pydicom"):
            yield
    except Exception as error:
        raise ScanError(f"{path.name} must {must}, got an error: {error}") from error


def _content(files: list[Path]) -> str:
    """What a folder without DICOM images holds: its files by suffix."""
    kinds = Counter(path.suffix.lower() or "no suffix" for path in files)
    return ", ".join(f"{count} of {kind}" for kind, count in kinds.most_common(4)) or "no files"

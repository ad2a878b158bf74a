"""Pages of TIFF files read one by one, and of uncompressed ones only the rows asked for."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import PAGES
from proxflow.data.readers.quiet import quiet
from proxflow.data.validate import check_declared_size

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# What tifffile and its codecs raise on damaged files, and on compressions not installed.
DAMAGE = (
    *(ValueError, TypeError, OSError, EOFError, KeyError, IndexError, MemoryError, OverflowError),
    *(RuntimeError, AttributeError, AssertionError, ArithmeticError, NotImplementedError, RecursionError),
    *(tifffile.TiffFileError, struct.error, zlib.error),
)


class TiffPages:
    """The pages of one multi-page file, or of the single-page files of a folder in natural order.

    ``shape`` is (page, row, column). Raises ScanError if a file is damaged, or the pages differ in size or
    type, or are colour images.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: tifffile.TiffFile | None = None
        self._many: list[Any] = []
        self.files = page_files(path) if path.is_dir() else [path]
        try:
            with undamaged(self.files[0]):
                _check_complete(self.files[0])
                self._open = tifffile.TiffFile(self.files[0])
                pages: list[Any] = list(self._open.pages)
            if not pages:
                raise ScanError(f"{self.files[0].name} must hold at least one page, got none")
            first = pages[0]
            self.dtype = _dtype(self.files[0], first)
            self._frame = (int(first.imagelength), int(first.imagewidth))
            if len(self.files) > 1 and len(pages) > 1:
                raise ScanError(f"{self.files[0].name} must hold one page in a folder, got {len(pages)}")
            self._many = pages if len(self.files) == 1 else []
            self.shape = (max(len(self.files), len(pages)), *self._frame)
            for number, page in enumerate(self._many):
                self._check_page(self.files[0], page, number)
        except BaseException:
            self.close()
            raise

    def rows(self, page: int, start: int, stop: int) -> NDArray:
        """Rows ``start`` to ``stop`` of one page, (row, column), in native byte order."""
        if self._many:
            with undamaged(self.files[0]):
                return _read_rows(self._many[page], start, stop)
        file = self.files[page]
        with undamaged(file), tifffile.TiffFile(file) as opened:
            _check_complete(file)
            if len(opened.pages) != 1:
                raise ScanError(f"{file.name} must hold one page in a folder, got {len(opened.pages)}")
            self._check_page(file, opened.pages[0], 0)
            return _read_rows(opened.pages[0], start, stop)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._many = []

    def _check_page(self, file: Path, page: Any, number: int) -> None:
        with undamaged(file):
            frame, dtype = (int(page.imagelength), int(page.imagewidth)), _dtype(file, page)
            nbytes = int(page.nbytes)
        if frame != self._frame or dtype != self.dtype:
            raise ScanError(
                f"{file.name}: page {number} must be {self._frame} of {self.dtype} as the first, got "
                f"{frame} of {dtype}"
            )
        check_declared_size(file, f"page {number}", nbytes, file.stat().st_size)


def page_files(folder: Path) -> list[Path]:
    """The TIFF files of a folder, ``proj_2`` before ``proj_10``; raises ScanError if there is none."""
    files = [
        file for file in folder.iterdir() if file.suffix.lower() in PAGES and not file.name.startswith(".")
    ]
    if not files:
        raise ScanError(f"{folder} must hold TIFF files, got none")
    root = folder.resolve()
    for file in files:
        if not file.resolve().is_relative_to(root) or not file.is_file():
            raise ScanError(
                f"{folder.name}: {file.name} must be a file in the folder itself, got a link out of it"
            )
    return sorted(files, key=_natural)


def is_tiff(head: bytes) -> bool:
    """Whether a file that starts with ``head`` (4 bytes or more) is a TIFF or BigTIFF."""
    return head.startswith(SIGNATURES)


@contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Turn tifffile's failures into a ScanError naming ``path``; what it logs besides is not shown."""
    try:
        with quiet("tifffile"):
            yield
    except ScanError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ScanError(f"{path.name} must be a complete TIFF file, got an error: {reason}") from error


def _check_complete(path: Path) -> None:
    """Raise ScanError if a page lies beyond the file's end: tifffile would leave out all from there on.

    Each page's directory tells where the next one's lies, the last one's 0 (TIFF 6.0, section 2).
    """
    with path.open("rb") as file:
        head = file.read(16)
        order, big = "<" if head[:2] == b"II" else ">", head[2:4] in (b"+\0", b"\0+")
        count, entry, offset = (order + "Q", 20, order + "Q") if big else (order + "H", 12, order + "I")
        place = struct.unpack_from(offset, head, 8 if big else 4)[0]
        seen: set[int] = set()
        while place:
            if place in seen:
                raise ScanError(f"{path.name} must list each page once, got page {len(seen)} again")
            seen.add(place)
            try:
                file.seek(place)
                n_entries = struct.unpack(count, file.read(struct.calcsize(count)))[0]
                file.seek(n_entries * entry, 1)
                place = struct.unpack(offset, file.read(struct.calcsize(offset)))[0]
            except (struct.error, OverflowError):
                raise ScanError(
                    f"{path.name} must be a complete TIFF file, got its end at byte {path.stat().st_size} "
                    f"before the directory of page {len(seen) - 1} ends, which starts at byte {place}"
                ) from None


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Runs of digits sort as numbers: a key of (number, text) pairs."""
    parts = re.split(r"(\d+)", path.stem.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _dtype(file: Path, page: Any) -> np.dtype:
    """Type of a page's samples; raises ScanError unless it is one plane of grey values."""
    if page.dtype is None or page.samplesperpixel != 1 or len(page.shape) != 2:
        raise ScanError(
            f"{file.name} must hold grey images (row, column), got pages of shape {page.shape} and type "
            f"{page.dtype}"
        )
    return np.dtype(page.dtype)


def _read_rows(page: Any, start: int, stop: int) -> NDArray:
    if not page.is_memmappable:
        return page.asarray()[start:stop]
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    width = int(page.imagewidth)
    place = page.dataoffsets[0] + start * width * dtype.itemsize
    rows = page.parent.filehandle.read_array(dtype, count=(stop - start) * width, offset=place)
    return rows.astype(dtype.newbyteorder("="), copy=False).reshape(stop - start, width)

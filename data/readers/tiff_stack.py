"""Read tomographic projections from TIFF: a folder of them, or one file of many pages, with a sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.projections import Projections, array_rows, read_projections, runs
from proxflow.data.readers.sidecar_stack import load_fields, stack_info
from proxflow.data.readers.sinogram_sidecar import read_sinogram_sidecar
from proxflow.data.readers.tiff_pages import TiffPages, is_tiff
from proxflow.data.scan import Scan
from proxflow.data.sinogram import Sinogram


class TiffStackScan(Scan):
    """Pages of projections (angle, row, column) or of sinograms (row, angle, column), as the axes say.

    ``path`` is a multi-page file or a folder of single pages, in natural order of their names. Of
    uncompressed pages only the rows asked for are read, of others one page at a time. ``dark`` and
    ``flat`` are TIFF files beside the sidecar, a page per frame.

    Raises ScanError if the sidecar is missing or wrong, a file is damaged, or the pages do not fit it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        pages = self._pages = TiffPages(path)
        try:
            sidecar = read_sinogram_sidecar(path)
            self._axes = sidecar.axes
            shape = self._page_axes()
            fields, files = load_fields(sidecar, shape, _load_all)
            companions = [*(pages.files if path.is_dir() else []), *files]
            self.info = stack_info(
                path, "tiff", sidecar, shape, pages.dtype, companions, has_fields=bool(fields)
            )
            self._source = Projections(
                self._rows, **{name: array_rows(frames) for name, frames in fields.items()}
            )
        except BaseException:
            pages.close()
            raise

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        return read_projections(self._source, self.info, items)

    def close(self) -> None:
        self._pages.close()

    def _page_axes(self) -> tuple[int, ...]:
        """Sizes along the sidecar's axes; a scan without rows is one page."""
        shape, axes = self._pages.shape, self._axes
        if axes[0] == "column" and len(axes) == 3:
            raise ScanError(f"{self._path.name}: axes of TIFF pages must begin with angle or row, got {axes}")
        if len(axes) == 3:
            return shape
        if shape[0] != 1:
            raise ScanError(f"{self._path.name} must hold one page for axes {axes}, got {shape[0]}")
        return shape[1:]

    def _rows(self, rows: Sequence[int]) -> NDArray:
        """(row, angle, column) of the rows asked for."""
        pages, axes = self._pages, self._axes
        if axes[0] != "angle" or len(axes) == 2:
            whole = (pages.rows(row, 0, pages.shape[1]) for row in rows)
            upright = axes[-2:] == ("angle", "column")
            return np.stack([page if upright else page.T for page in whole])
        n_columns = pages.shape[1 + axes[1:].index("column")]
        result = np.empty((len(rows), pages.shape[0], n_columns), dtype=pages.dtype)
        for angle in range(pages.shape[0]):
            if axes[1] == "column":
                result[:, angle] = pages.rows(angle, 0, n_columns).T[list(rows)]
                continue
            for place, block in runs(rows):
                result[place, angle] = pages.rows(angle, block.start, block.stop)
        return result


def _load_all(file: Path, name: str) -> NDArray:
    """Every page of a dark or flat file, (frame, row, column); one page without its first axis."""
    with file.open("rb") as opened:
        head = opened.read(4)
    if not is_tiff(head):
        raise ScanError(f"{file.name} must be a TIFF file, as the {name} of a TIFF scan, got other content")
    pages = TiffPages(file)
    try:
        n_pages, n_rows, _ = pages.shape
        frames = [pages.rows(page, 0, n_rows) for page in range(n_pages)]
    finally:
        pages.close()
    return np.stack(frames) if n_pages > 1 else frames[0]

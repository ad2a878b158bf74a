"""Read still pictures as a scan: the image is the measurement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.forms import SIGNATURES
from proxflow.data.readers.hdf5_file import open_hdf5, reading
from proxflow.data.readers.measurement_h5 import is_measurement
from proxflow.data.readers.open_stack import open_stack
from proxflow.data.readers.sidecar_yaml import sidecar_modality
from proxflow.data.readers.still_stack import StillStack
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.still_picture import StillPicture
from proxflow.data.validate_picture import check_picture_form, checked_picture


class ImageFileScan(Scan):
    """Pictures (..., y, x) of a file or folder that ``open_stack`` opens, one item each.

    ``array`` names the array of an HDF5 or .npz file that holds several. A Proxflow measurement's images are
    only read if named so, and what a sidecar says to be another kind of scan is not read as pictures.

    Raises ScanError if the file shows no real pictures of one size, or they are too small.
    """

    def __init__(self, path: Path, array: str = "") -> None:
        _refuse_other_scans(path, array)
        stack = open_stack(path, array)
        try:
            check_picture_form(path, stack.shape, stack.dtype)
            self.info = _info(path, stack)
        except BaseException:
            stack.close()
            raise
        self._stack: StillStack | None = stack

    def read(self, items: Sequence[int] | None = None) -> StillPicture:
        rows = chosen_items(self.info, items)
        if self._stack is None:
            raise ScanError(f"{self.info.path.name} must be open to be read, got a closed scan")
        samples = np.empty((len(rows), *self.info.shape[1:]), np.float32)
        for sample, row in zip(samples, rows, strict=True):
            with np.errstate(over="ignore"):  # refused below
                sample[:] = self._stack.image(row)
        picture = StillPicture(samples, tuple(self.info.labels[row] for row in rows), self.info.source)
        return checked_picture(self.info.path, picture, rows)

    def close(self) -> None:
        if self._stack is not None:
            self._stack.close()
        self._stack = None


def _info(path: Path, stack: StillStack) -> ScanInfo:
    return ScanInfo(
        path=path,
        format="pictures",
        shape=(stack.n_images, *stack.shape[-2:]),
        dtype="float32",
        labels=_labels(path, stack.whose, stack.n_images),
        file_bytes=sum(file.stat().st_size for file in stack.files or (path,)),
        modality="image",
        source=stack.source,
        companions=stack.files,
        held_bytes=stack.held_bytes,
    )


def _refuse_other_scans(path: Path, array: str) -> None:
    """ScanError where a sidecar or the file itself says that it is another kind of scan."""
    if not path.is_dir() and (said := sidecar_modality(path)) is not None:
        raise ScanError(f"{path.name} must be pictures for scan.kind image, got {said} by its sidecar")
    if array or path.is_dir():
        return
    with path.open("rb") as file:
        if not file.read(8).startswith(SIGNATURES["HDF5"]):
            return
    with open_hdf5(path) as opened, reading(path, "the file's structure"):
        if is_measurement(opened):
            raise ScanError(
                f"{path.name} must be pictures for scan.kind image, got a Proxflow measurement; images in it "
                f"are named as {path.name}::reference"
            )


def _labels(path: Path, whose: Sequence[str], n_items: int) -> tuple[str, ...]:
    if len(whose) == n_items:
        return tuple(f"image {i} of {who}" for i, who in enumerate(whose))
    return (path.name.split(".")[0],) if n_items == 1 else tuple(f"image {i}" for i in range(n_items))

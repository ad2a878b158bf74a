"""Read Siemens Twix raw data (``.dat``, VB to VE), Cartesian, 2-D and 3-D."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import KSpace
from proxflow.data.readers.ismrmrd_lines import sort_lines
from proxflow.data.readers.ismrmrd_plan import make_plan
from proxflow.data.readers.line_volumes import LineVolumes
from proxflow.data.readers.twix_file import TwixLine, read_twix_lines
from proxflow.data.readers.twix_header import twix_encoding, twix_heads
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import checked


def is_twix(path: Path) -> bool:
    """Whether ``path`` starts as Twix files do: a table of measurements (VD, VE) or one header (VB)."""
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            return False
        first, second = struct.unpack("<II", head[:8])
        start = struct.unpack("<Q", head[16:24])[0] if first < 10000 and 0 < second <= 64 else 0
        if start + 24 > path.stat().st_size:
            return False
        file.seek(start)
        return b"Config\x00" in file.read(64)


class TwixScan(Scan):
    """The last measurement in a Twix file as 2-D items, brought to a grid as ISMRMRD scans are.

    Lines are described by ISMRMRD headers and become items as in ``IsmrmrdScan``: navigators and corrections
    are left out, calibration lines fill the ACS, reversed lines are turned, repeated ones averaged,
    readout oversampling is removed, 3-D scans become slices or readout positions. Noise lines are left
    out: the file does not state their bandwidth in one known place. Directions are not read, so that
    there is no affine.

    Needs twixtools (``pip install 'proxflow[twix]'``). Raises ScanError if it is missing, or the file is
    damaged, cut short, or not Cartesian.
    Source: file layout as twixtools reads it (P. Ehses, github.com/pehses/twixtools).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        header, self._twix_lines, skipped = read_twix_lines(path)
        encoding = twix_encoding(path, header, self._twix_lines)
        lines = sort_lines(path, twix_heads(self._twix_lines), encoding)
        plan = make_plan(path, lines, encoding)
        self._geometry = plan.geometry
        self._volumes = LineVolumes(lines, plan, self._read_lines)
        self.info = ScanInfo(
            path=path,
            format="twix",
            shape=plan.shape,
            dtype="complex64",
            labels=plan.labels,
            geometry=plan.geometry,
            has_mask=True,
            file_bytes=path.stat().st_size,
            notes=(*skipped, *lines.notes, *plan.notes),
        )

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        samples, mask = self._volumes.read(rows)
        labels = tuple(self.info.labels[i] for i in rows)
        return checked(self._path, KSpace(samples, mask, self._geometry.select(rows), labels), rows)

    def close(self) -> None:
        """Nothing stays open: lines are read when they are asked for."""

    def _read_lines(self, numbers: NDArray[np.intp]) -> NDArray[np.complex64]:
        """(line, coil, sample) of these lines."""
        lines: list[TwixLine] = [self._twix_lines[number] for number in numbers]
        result = np.empty((len(lines), lines[0].n_coils, lines[0].n_samples), dtype=np.complex64)
        with self._path.open("rb") as file:
            for values, line in zip(result, lines, strict=True):
                values[:] = line.read(self._path, file)
        return result

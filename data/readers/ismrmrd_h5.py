"""Read ISMRMRD (MRD) HDF5 raw data, Cartesian, 2-D and 3-D."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.ismrmrd_lines import sort_lines
from proxflow.data.readers.ismrmrd_plan import make_plan
from proxflow.data.readers.ismrmrd_samples import (
    group_name,
    open_acquisitions,
    read_acquisitions,
    read_heads,
    read_noise,
)
from proxflow.data.readers.line_volumes import LineVolumes
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import checked


def is_ismrmrd(file: h5py.File) -> bool:
    """Whether the open file holds a group with ISMRMRD's ``xml`` and ``data``."""
    return group_name(file) is not None


class IsmrmrdScan(Hdf5Scan):
    """An ISMRMRD file as 2-D items, read line by line for the items asked for.

    * Noise scans become ``noise``, scaled to the imaging bandwidth and averaging.
    * Navigators, phase correction, feedback and dummy scans, and encoding spaces but the first, are left
      out. Calibration-only lines fill places that no imaging line fills (the ACS), unless the header
      calls the calibration separate or external. Each omission is said in ``info.notes``.
    * Reversed lines are turned round; ``center_sample`` counts in the turned direction, as converters
      write it. Lines measured again are averaged. Partial Fourier and asymmetric echoes stay unsampled.
    * Readout oversampling is removed unless the echo is asymmetric.
    * A 3-D scan sampled fully along the partitions becomes slices; otherwise one along its lines: each
      item is one readout position x with ky, kz in the plane (our kx, ky).

    Raises ScanError if the file is damaged, not Cartesian, or its lines make no grid.
    """

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        samples, mask = self._volumes.read(rows)
        lines, plan = self._lines, self._plan
        noise = read_noise(
            self._path,
            self._data,
            self._heads,
            lines.noise,
            n_coils=plan.n_coils,
            dwell_us=float(lines.heads[0]["sample_time_us"]),
            n_averages=plan.n_averages,
        )
        kspace = KSpace(
            samples=samples,
            mask=mask,
            geometry=plan.geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=noise,
            source=self.info.source,
        )
        return checked(self._path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path = self._path
        self._data, encoding = open_acquisitions(path, self._file)
        if encoding.trajectory != "cartesian":
            raise ScanError(f"{path.name}: trajectory must be cartesian, got {encoding.trajectory}")
        self._heads = read_heads(path, self._data)
        lines = self._lines = sort_lines(path, self._heads, encoding)
        plan = self._plan = make_plan(path, lines, encoding)
        self._volumes = LineVolumes(lines, plan, self._read_lines)
        return ScanInfo(
            path=path,
            format="ismrmrd",
            shape=plan.shape,
            dtype="complex64",
            labels=plan.labels,
            geometry=plan.geometry,
            has_mask=True,
            has_noise=len(lines.noise) > 0,
            file_bytes=path.stat().st_size,
            notes=lines.notes + plan.notes,
        )

    def _read_lines(self, numbers: NDArray[np.intp]) -> NDArray[np.complex64]:
        return read_acquisitions(self._path, self._data, self._heads, numbers)

"""Read Cartesian MRI in Proxflow's own HDF5 form (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence

from proxflow.data.kspace import KSpace
from proxflow.data.readers.geometry_h5 import read_geometry
from proxflow.data.readers.hdf5_file import own_dataset, read_all, read_rows
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.measurement_h5 import (
    check_companions,
    check_measurement,
    own_scan_info,
)
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import check_complex, check_mask_shape, check_shape, checked


class KSpaceH5Scan(Hdf5Scan):
    """One of our own Cartesian files; items are read chunk by chunk. Raises ScanError if unsound."""

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        mask = file["mask"]
        kspace = KSpace(
            samples=read_rows(path, file["kspace"], rows),
            mask=read_rows(path, mask, [0] if mask.shape[0] == 1 else rows),
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=read_all(path, file["noise"]) if "noise" in file else None,
            reference=read_rows(path, file["reference"], rows) if "reference" in file else None,
            source=self.info.source,
        )
        return checked(path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        check_measurement(file, path, "mri-cartesian", ("kspace", "mask", "labels"))
        samples, mask = own_dataset(file, path, "kspace"), own_dataset(file, path, "mask")
        check_shape(path, "kspace", samples.shape)
        check_complex(path, "kspace", samples.dtype)
        check_mask_shape(path, mask.shape, samples.shape)
        check_companions(file, path, samples.shape)
        self._geometry = read_geometry(file, path, samples.shape[0], samples.shape[2:])
        return own_scan_info(
            file,
            path,
            samples,
            geometry=self._geometry,
            has_mask=True,
            has_noise="noise" in file,
            has_reference="reference" in file,
        )

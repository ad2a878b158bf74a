"""Read Proxflow's own HDF5 measurement form (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace
from proxflow.data.readers.geometry_h5 import read_geometry
from proxflow.data.readers.hdf5_file import kept_open, own_dataset, read_rows, reading, top_level
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import check_complex, check_mask_shape, check_shape, checked

NEWEST_VERSION = 1


def is_proxflow(file: h5py.File) -> bool:
    """Whether the open file says it is one of our measurements."""
    return file.attrs.get("proxflow_format") == "measurement"


class ProxflowScan(Scan):
    """One of our own measurement files; items are read chunk by chunk. Raises ScanError if unsound."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with kept_open(path) as self._file:
            self.info = self._describe()

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        mask = file["mask"]
        kspace = KSpace(
            samples=read_rows(path, file["kspace"], rows),
            mask=read_rows(path, mask, [0] if mask.shape[0] == 1 else rows),
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=read_rows(path, file["noise"], list(range(file["noise"].shape[0])))
            if "noise" in file
            else None,
            reference=read_rows(path, file["reference"], rows) if "reference" in file else None,
            source=self.info.source,
        )
        return checked(path, kspace, rows)

    def close(self) -> None:
        self._file.close()

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        if not is_proxflow(file):
            raise ScanError(f"{path} must be a Proxflow measurement, got an HDF5 file with {top_level(file)}")
        version, modality = file.attrs.get("format_version"), file.attrs.get("modality")
        if version is None or not 1 <= int(version) <= NEWEST_VERSION:
            raise ScanError(f"{path.name}: format_version must be at most {NEWEST_VERSION}, got {version}")
        if modality != "mri-cartesian":
            raise ScanError(f"{path.name}: modality must be mri-cartesian, got {modality}")
        for key in file:  # also those we do not read: a link has no place in a measurement
            if not isinstance(file.get(key, getlink=True), h5py.HardLink):
                raise ScanError(f"{path.name}: {key} must be stored in the file itself, got a link")
        for name in ("kspace", "mask", "labels"):
            if name not in file:
                raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")
        samples, mask = own_dataset(file, path, "kspace"), own_dataset(file, path, "mask")
        check_shape(path, "kspace", samples.shape)
        check_complex(path, "kspace", samples.dtype)
        check_mask_shape(path, mask.shape, samples.shape)
        self._check_optional(samples.shape)
        with reading(path, "labels"):
            labels = tuple(own_dataset(file, path, "labels").asstr()[:])
        if len(labels) != samples.shape[0]:
            raise ScanError(f"{path.name}: labels must name {samples.shape[0]} items, got {len(labels)}")
        attributes = file["source"].attrs.items() if "source" in file else ()
        return ScanInfo(
            path=path,
            format="proxflow",
            shape=samples.shape,
            dtype=str(samples.dtype),
            labels=labels,
            geometry=read_geometry(file, path, samples.shape[0], samples.shape[2:]),
            has_mask=True,
            has_noise="noise" in file,
            has_reference="reference" in file,
            file_bytes=path.stat().st_size,
            source={name: str(text) for name, text in attributes},
        )

    def _check_optional(self, shape: tuple[int, int, int, int]) -> None:
        path, file = self._path, self._file
        if "noise" in file:
            noise = own_dataset(file, path, "noise")
            check_complex(path, "noise", noise.dtype)
            if noise.ndim != 2 or noise.shape[0] != shape[1]:
                raise ScanError(f"{path.name}: noise must have shape ({shape[1]}, n), got {noise.shape}")
        if "reference" in file:
            reference = own_dataset(file, path, "reference")
            if reference.ndim != 3 or reference.shape[0] != shape[0]:
                raise ScanError(
                    f"{path.name}: reference must have shape ({shape[0]}, y, x), got {reference.shape}"
                )

"""Read fastMRI's HDF5 form: whole slices, columns of zeros where nothing was sampled."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.readers.hdf5_file import own_dataset, read_rows, reading, top_level
from proxflow.data.readers.hdf5_scan import Hdf5Scan
from proxflow.data.readers.ismrmrd_header import Encoding, parse_header
from proxflow.data.readers.readout import crop_readout
from proxflow.data.scan import ScanInfo, chosen_items
from proxflow.data.validate import check_complex, check_shape, checked

REFERENCES = ("reconstruction_rss", "reconstruction_esc")


def is_fastmri(file: h5py.File) -> bool:
    """Whether the open file has fastMRI's top-level ``kspace`` dataset."""
    return isinstance(file.get("kspace"), h5py.Dataset) and "proxflow_format" not in file.attrs


class FastMriScan(Hdf5Scan):
    """fastMRI multi-coil (slice, coil, H, W) or single-coil (slice, H, W) k-space.

    The readout runs along H (our ky), lines along W (our kx). Readout oversampling is removed where
    the header or the reference tells the image height; columns keep their oversampling, and
    ``geometry.matrix`` tells the centre crop. ``mask`` (W,) is used where present, and a column that is
    zero in every coil of every slice read is unsampled in any case (padding, or no mask in the file).

    Raises ScanError if the file is not of this form or unsound.
    """

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        path, file = self._path, self._file
        samples = read_rows(path, file["kspace"], rows)
        if samples.ndim == 3:
            samples = samples[:, None]
        mask = (samples != 0).any(axis=(0, 1, 2))[None, :]
        stored = self._stored_mask()
        if stored is not None:
            mask = mask & stored
        height = self.info.shape[2]
        if height < samples.shape[2]:
            samples = crop_readout(samples, height, axis=2)
        mask = np.broadcast_to(mask, samples.shape[2:])
        kspace = KSpace(
            samples=np.where(mask, samples, samples.dtype.type(0)),
            mask=mask[None].copy(),
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            reference=read_rows(path, file[self._reference], rows) if self._reference else None,
            source=self.info.source,
        )
        return checked(path, kspace, rows)

    def _describe(self) -> ScanInfo:
        path, file = self._path, self._file
        if not is_fastmri(file):
            raise ScanError(f"{path} must be a fastMRI file with the dataset kspace, got {top_level(file)}")
        dataset = own_dataset(file, path, "kspace")
        single = dataset.ndim == 3
        check_shape(path, "kspace", dataset.shape, "(slice, H, W)" if single else "(slice, coil, H, W)")
        check_complex(path, "kspace", dataset.dtype)
        n_slices = dataset.shape[0]
        height, width = dataset.shape[-2:]
        self._reference = next((name for name in REFERENCES if name in file), None)
        stored = self._stored_mask()
        encoding = self._header()
        matrix = self._matrix(n_slices, height, width, encoding)
        # A mask that varies along the readout leaves nothing fully sampled to crop along.
        cropped = matrix[0] if stored is None or stored.shape[0] == 1 else height
        fov = _field_of_view(encoding, matrix)
        self._geometry = Geometry(matrix, fov, slices=tuple(range(n_slices)))
        return ScanInfo(
            path=path,
            format="fastmri",
            shape=(n_slices, 1 if single else dataset.shape[1], cropped, width),
            dtype=str(dataset.dtype),
            labels=tuple(f"slice {i}" for i in range(n_slices)),
            geometry=self._geometry,
            has_mask=stored is not None,
            has_reference=self._reference is not None,
            file_bytes=path.stat().st_size,
            notes=(f"Readout oversampling removed: {height} to {cropped}.",) if cropped < height else (),
            source={"acquisition": str(file.attrs["acquisition"])} if "acquisition" in file.attrs else {},
        )

    def _stored_mask(self) -> NDArray[np.bool_] | None:
        """(1, W) or (H, W), None if the file has no mask."""
        path, file = self._path, self._file
        if "mask" not in file:
            return None
        height, width = file["kspace"].shape[-2:]
        dataset = own_dataset(file, path, "mask")
        with reading(path, "mask"):
            mask = np.squeeze(dataset[()]).astype(bool)
        if mask.shape not in ((width,), (height, width)):
            raise ScanError(f"{path.name}: mask must have shape ({width},), got {dataset.shape}")
        return np.atleast_2d(mask)

    def _header(self) -> Encoding | None:
        if "ismrmrd_header" not in self._file:
            return None
        with reading(self._path, "ismrmrd_header"):
            text = np.asarray(own_dataset(self._file, self._path, "ismrmrd_header")[()]).item()
        return parse_header(self._path, text)[0]

    def _matrix(self, n_slices: int, height: int, width: int, encoding: Encoding | None) -> tuple[int, int]:
        """(rows, columns) of the intended image: the reference's, else the header's, else k-space's."""
        if self._reference:
            dataset = own_dataset(self._file, self._path, self._reference)
            check_shape(self._path, self._reference, dataset.shape, "(slice, y, x)")
            if dataset.shape[0] != n_slices:
                raise ScanError(
                    f"{self._path.name}: {self._reference} must have {n_slices} slices, got {len(dataset)}"
                )
            rows, columns = dataset.shape[1:]
        elif encoding:
            _, columns, rows = encoding.recon_matrix  # rows run along the readout, the header's x
        else:
            return height, width
        return min(rows, height), min(columns, width)


def _field_of_view(encoding: Encoding | None, matrix: tuple[int, int]) -> tuple[float, float, float] | None:
    if encoding is None or min(encoding.recon_fov_mm) <= 0:
        return None
    depth, across, readout = encoding.recon_fov_mm
    _, columns, rows = encoding.recon_matrix
    return depth, readout * matrix[0] / rows, across * matrix[1] / columns

"""Read k-space from .npy or .npz with a sidecar that names the axes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.readers.kspace_sidecar import AXES, KSpaceSidecar, read_kspace_sidecar
from proxflow.data.readers.npz_arrays import is_npz, read_npy, read_npz
from proxflow.data.readers.unsampled import mask_from_zeros
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import (
    check_complex,
    check_images,
    check_mask_shape,
    check_noise,
    check_shape,
    checked,
)


class NumpyScan(Scan):
    """A .npy array (memory-mapped: only the items read are touched) or an .npz (its arrays read whole).

    The sidecar orders the axes; item and coil may be absent (one item, one coil). Without a mask,
    samples zero in every coil are unsampled. Pickled objects are never loaded.

    Raises ScanError if the sidecar is missing or wrong, or the arrays do not fit it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        archive = is_npz(path)
        sidecar = read_kspace_sidecar(path)
        self._arrays = _load(path, sidecar, archive)
        samples = self._arrays["kspace"]
        check_shape(path, sidecar.kspace, samples.shape, f"({', '.join(sidecar.axes)})")
        check_complex(path, sidecar.kspace, samples.dtype)
        samples = self._samples = _ordered(samples, sidecar.axes)
        self._check_companions()
        n_items, ny, nx = samples.shape[0], *samples.shape[2:]
        matrix = sidecar.matrix or (ny, nx)
        if matrix[0] > ny or matrix[1] > nx:
            raise ScanError(f"{sidecar.path.name}: matrix must be at most {(ny, nx)}, got {matrix}")
        self._geometry = Geometry(matrix, sidecar.field_of_view_mm, slices=tuple(range(n_items)))
        self.info = ScanInfo(
            path=path,
            format="numpy",
            shape=samples.shape,
            dtype=samples.dtype.name,
            labels=sidecar.labels(n_items),
            geometry=self._geometry,
            has_mask="mask" in self._arrays,
            has_noise="noise" in self._arrays,
            has_reference="reference" in self._arrays,
            file_bytes=path.stat().st_size + sidecar.path.stat().st_size,
            notes=()
            if "mask" in self._arrays
            else ("Samples that are zero in every coil count as unsampled.",),
            companions=(sidecar.path,),
            source=sidecar.source,
        )

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        native = self._samples.dtype.newbyteorder("=")
        samples = np.ascontiguousarray(self._samples[rows], dtype=native)
        mask, reference = self._arrays.get("mask"), self._arrays.get("reference")
        if mask is None:
            mask = mask_from_zeros(samples)
        else:
            mask = mask if len(mask) == 1 else mask[rows]
            samples *= mask[:, None]
        kspace = KSpace(
            samples=samples,
            mask=mask,
            geometry=self.info.image_geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=self._arrays.get("noise"),
            reference=None if reference is None else reference[rows],
            source=self.info.source,
        )
        return checked(self._path, kspace, rows)

    def close(self) -> None:
        self._arrays.clear()
        del self._samples

    def _check_companions(self) -> None:
        """Bring mask and reference to (item, y, x) and check them and the noise against the samples."""
        path, arrays, shape = self._path, self._arrays, self._samples.shape
        if "mask" in arrays:
            mask = arrays["mask"]
            arrays["mask"] = (mask[None] if mask.ndim == 2 else mask).astype(bool)
            check_mask_shape(path, arrays["mask"].shape, shape)
        if "reference" in arrays:
            reference = arrays["reference"]
            reference = arrays["reference"] = reference[None] if reference.ndim == 2 else reference
            check_images(path, "reference", reference.shape, shape[0])
        if "noise" in arrays:
            check_noise(path, arrays["noise"].shape, arrays["noise"].dtype, shape[1])


def _ordered(array: NDArray, axes: tuple[str, ...]) -> NDArray:
    """A view of ``array`` as (item, coil, ky, kx)."""
    present = [axis for axis in AXES if axis in axes]
    array = array.transpose([axes.index(axis) for axis in present])
    missing = [i for i, axis in enumerate(AXES) if axis not in axes]
    return np.expand_dims(array, missing)


def _load(path: Path, sidecar: KSpaceSidecar, archive: bool) -> dict[str, NDArray]:
    if not archive:
        if sidecar.arrays:
            raise ScanError(
                f"{sidecar.path.name}: mask, noise and reference must be keys of an .npz, got a .npy"
            )
        return {"kspace": read_npy(path)}
    wanted = {"kspace": sidecar.kspace, **sidecar.arrays}
    held = read_npz(path, list(wanted.values()))
    return {name: held[key] for name, key in wanted.items()}

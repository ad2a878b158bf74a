"""Read k-space from .npy or .npz with a sidecar that names the axes."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.readers.sidecar import AXES, Sidecar, read_sidecar
from proxflow.data.readers.unsampled import mask_from_zeros
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import check_complex, check_declared_size, check_mask_shape, check_shape, checked

# What NumPy, zipfile, zlib and the parser of array headers raise on a damaged file.
DAMAGE = (
    *(ValueError, TypeError, OSError, EOFError, KeyError, MemoryError, OverflowError, SyntaxError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


class NumpyScan(Scan):
    """A .npy array (memory-mapped: only the items read are touched) or an .npz (its arrays read whole).

    The sidecar orders the axes; item and coil may be absent (one item, one coil). Without a mask,
    samples zero in every coil are unsampled. Pickled objects are never loaded.

    Raises ScanError if the sidecar is missing or wrong, or the arrays do not fit it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            head = file.read(6)
        if head[:4] != b"PK\x03\x04" and head != b"\x93NUMPY":
            raise ScanError(f"{path} must be a NumPy .npy or .npz file, got other content")
        sidecar = self._sidecar = read_sidecar(path)
        self._arrays = _load(path, sidecar)
        samples = self._arrays["kspace"]
        check_shape(path, sidecar.kspace, samples.shape, f"({', '.join(sidecar.axes)})")
        check_complex(path, sidecar.kspace, samples.dtype)
        samples = self._samples = _ordered(samples, sidecar.axes)
        self._check_companions()
        n_items, ny, nx = samples.shape[0], *samples.shape[2:]
        labels = sidecar.labels or tuple(f"item {i}" for i in range(n_items))
        if len(labels) != n_items:
            raise ScanError(f"{sidecar.path.name}: labels must name {n_items} items, got {len(labels)}")
        matrix = sidecar.matrix or (ny, nx)
        if matrix[0] > ny or matrix[1] > nx:
            raise ScanError(f"{sidecar.path.name}: matrix must be at most {(ny, nx)}, got {matrix}")
        self.info = ScanInfo(
            path=path,
            format="numpy",
            shape=samples.shape,
            dtype=samples.dtype.name,
            labels=labels,
            geometry=Geometry(matrix, sidecar.field_of_view_mm, slices=tuple(range(n_items))),
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
            if reference.ndim != 3 or reference.shape[0] != shape[0]:
                raise ScanError(
                    f"{path.name}: reference must have shape ({shape[0]}, y, x), got {reference.shape}"
                )
        if "noise" in arrays:
            noise = arrays["noise"]
            check_complex(path, "noise", noise.dtype)
            if noise.ndim != 2 or noise.shape[0] != shape[1]:
                raise ScanError(f"{path.name}: noise must have shape ({shape[1]}, n), got {noise.shape}")


def _ordered(array: NDArray, axes: tuple[str, ...]) -> NDArray:
    """A view of ``array`` as (item, coil, ky, kx)."""
    present = [axis for axis in AXES if axis in axes]
    array = array.transpose([axes.index(axis) for axis in present])
    missing = [i for i, axis in enumerate(AXES) if axis not in axes]
    return np.expand_dims(array, missing)


def _load(path: Path, sidecar: Sidecar) -> dict[str, NDArray]:
    try:
        if not zipfile.is_zipfile(path):
            if sidecar.mask or sidecar.noise or sidecar.reference:
                raise ScanError(
                    f"{sidecar.path.name}: mask, noise and reference must be keys of an .npz, got a .npy"
                )
            return {"kspace": np.load(path, mmap_mode="r", allow_pickle=False)}
        wanted = {"kspace": sidecar.kspace, "mask": sidecar.mask, "noise": sidecar.noise}
        wanted["reference"] = sidecar.reference
        with np.load(path, allow_pickle=False) as archive:
            found = {}
            for name, key in wanted.items():
                if key is None:
                    continue
                if key not in archive.files:
                    raise ScanError(
                        f"{path.name} must hold the key {key}, got {', '.join(archive.files) or 'nothing'}"
                    )
                _check_member(path, key)
                found[name] = archive[key]
            return found
    except ScanError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise ScanError(
            f"{path.name} must be a complete NumPy file of numbers, got an error: {reason}"
        ) from error


def _check_member(path: Path, key: str) -> None:
    """Refuse an array whose header asks for more than the archive holds, before memory is asked for."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{key}.npy")
        with archive.open(info) as member:
            version = np.lib.format.read_magic(member)
            reader = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = reader(member)
        declared = math.prod(shape) * dtype.itemsize
        check_declared_size(path, key, declared, path.stat().st_size)
        if declared > info.file_size:
            raise ScanError(
                f"{path.name}: {key} must hold its {declared} declared bytes, got {info.file_size}"
            )

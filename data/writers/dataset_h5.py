"""HDF5 pieces our own files share: whole files, labelled datasets and the geometry group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.store.guarded_file import GuardedFile
from proxflow.data.store.seal import SEAL_BYTES, seal_of
from proxflow.data.store.trust import trust
from proxflow.data.store.uninterrupted import uninterrupted
from proxflow.data.writers.atomic import atomic_path


@contextmanager
def atomic_h5(path: Path, *, sealed: bool = False) -> Iterator[h5py.File]:
    """A new HDF5 file that appears whole or not at all; OSError naming ``path`` where the disk is full.

    A ``sealed`` one begins with the digest of its bytes, for ``check_trusted``. Ctrl-C and SIGTERM wait for
    the end of the block.
    """
    with uninterrupted(), atomic_path(path) as temporary:
        guarded = GuardedFile(temporary)
        try:
            with h5py.File(guarded, "w", userblock_size=SEAL_BYTES if sealed else 0) as file:
                yield file
            if sealed:
                seal = seal_of(guarded)
                guarded.seek(0)
                guarded.write(seal)
                trust(seal)
            guarded.sync()
        except Exception:
            if guarded.error is not None:  # what HDF5 makes of a failed write says nothing of its cause
                raise guarded.error from None
            raise
        finally:
            guarded.close()


def write_dataset(file: h5py.File, name: str, data: NDArray, axes: str, units: str, **storage: Any) -> None:
    """Dataset ``name`` with its ``axes`` and ``units`` as attributes, without a timestamp."""
    dataset = file.create_dataset(name, data=data, track_times=False, **storage)
    dataset.attrs["axes"] = axes
    dataset.attrs["units"] = units


def write_geometry(file: h5py.File, geometry: Geometry) -> None:
    """The group ``geometry`` of docs/file-format.md; what is unknown is left out."""
    write_dataset(file, "geometry/matrix", np.array(geometry.matrix, dtype=np.int64), "y, x", "1")
    if geometry.slices:
        write_dataset(file, "geometry/slices", np.array(geometry.slices, dtype=np.int64), "item", "1")
    if geometry.field_of_view_mm is not None:
        fov = np.array(geometry.field_of_view_mm, dtype=np.float64)
        write_dataset(file, "geometry/field_of_view", fov, "z, y, x", "mm")
    if geometry.affine is not None:
        axes = "(right, anterior, superior, 1), (x index, y index, slice, 1)"
        write_dataset(file, "geometry/affine", np.array(geometry.affine, dtype=np.float64), axes, "mm")

"""Is the store's disk as a run needs it? Room, locks, and HDF5 that is read as it was written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from proxflow.tasks.finding import Finding

LOW_SPACE_BYTES = 2 << 30


def store(root: Path, limit: int) -> Finding:
    """Whether there is a store to write to, with room on its disk."""
    from proxflow.data.store.eviction import entries

    folder = _existing(root)
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "store", "fail", f"{root} cannot be written", "set PROXFLOW_STORE to a folder of yours"
        )
    held = entries(root)
    size, free = sum(entry.size for entry in held), shutil.disk_usage(folder).free
    found = (
        f"{root}: {len(held)} artefacts, {size / 2**30:.2f} of {limit / 2**30:.0f} GiB, "
        f"{free / 2**30:.1f} GiB free on the disk"
    )
    if free < LOW_SPACE_BYTES:
        advice = (
            "make room, or set PROXFLOW_STORE to a larger disk; proxflow cache gc --all empties the store"
        )
        return Finding("store", "warn", found, advice)
    return Finding("store", "ok", found)


def file_locks(folder: Path) -> Finding:
    """Two descriptors of one file: the second must not get the lock that the first holds."""
    import fcntl

    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as first:
        second = os.open(first.name, os.O_RDWR)
        try:
            fcntl.flock(first.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Finding("file locks", "ok", f"flock works in {folder}")
        except OSError as error:
            found = f"flock does not work in {folder}: {error.strerror}"
        else:
            found = f"flock lets two holders in, in {folder}"
        finally:
            os.close(second)
    return Finding(
        "file locks", "warn", found, "two runs at once may compute the same stage; results stay right"
    )


def hdf5(place: Path) -> Finding:
    """Whether a compressed array is read as it was written."""
    import h5py
    import numpy as np

    values = np.arange(12, dtype=np.complex64).reshape(3, 4)
    with tempfile.TemporaryDirectory(dir=place, prefix=".doctor-") as folder:
        path = Path(folder) / "probe.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("values", data=values, chunks=(1, 4), fletcher32=True, compression="gzip")
        with h5py.File(path, "r") as file:
            same = bool((file["values"][()] == values).all())
    found = f"HDF5 {h5py.version.hdf5_version}, h5py {h5py.__version__}"
    if not same:
        return Finding("HDF5", "fail", f"{found}: what was read is not what was written", "check the disk")
    return Finding("HDF5", "ok", f"{found}, written and read back in {place}")


def probe_folder(root: Path) -> Path:
    """Where a small file can be tried: the store, or a temporary folder where that cannot be written."""
    folder = _existing(root)
    return folder if os.access(folder, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _existing(root: Path) -> Path:
    """The store's folder, or the nearest folder above it that is there."""
    return next(folder for folder in (root, *root.parents) if folder.is_dir())

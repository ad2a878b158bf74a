"""One computation at a time on a CUDA device: runs queue for it instead of colliding in its memory."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def device_slot(device: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine's one slot of ``device``; ``on_wait`` is called once if another holds it.

    The CPU has no slot: its cores are shared. A slot is an ``flock`` on a file of this machine, so that it
    holds between threads, runs and users, with or without a server, and is free the moment its holder dies.
    """
    if device.partition(":")[0] == "cpu":
        yield
        return
    descriptor = _open_shared(slot_path(device_name(device)))
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(device)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def slot_path(name: str) -> Path:
    """The lock file of a device."""
    return Path(tempfile.gettempdir()) / f"proxflow-device-{name}.lock"


def device_name(device: str) -> str:
    """The device's own identity: ``cuda:0`` is another one where CUDA_VISIBLE_DEVICES says so."""
    kind, _, index = device.partition(":")
    if kind != "cuda":
        return device.replace(":", "-")
    import torch

    return f"cuda-{torch.cuda.get_device_properties(int(index or 0)).uuid}"


def _open_shared(path: Path) -> int:
    """Open, or make, a file that every user may lock."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        os.fchmod(descriptor, 0o666)  # whatever the umask
        return descriptor

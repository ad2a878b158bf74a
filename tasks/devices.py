"""Which device computes."""

from __future__ import annotations

from pathlib import Path

from proxflow.tasks.errors import RequestError


def resolve_device(name: str) -> str:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as the device that will be used.

    Raises RequestError for a CUDA device that is not there.
    """
    if name == "cpu" or (name == "auto" and not _may_have_cuda()):
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda:0" if count else "cpu"
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        found = f"devices 0 to {count - 1}" if count else "no CUDA device"
        raise RequestError(f"runtime.device must be on this machine, got {name}; found {found}")
    return f"cuda:{index}"


def _may_have_cuda() -> bool:
    """Without NVIDIA's device file there is no CUDA, known without the second that torch costs."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()

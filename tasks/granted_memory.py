"""Work that ran out of memory is tried once more with half of it, then said plainly."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from proxflow.tasks.errors import OutOfMemoryError
from proxflow.tasks.memory import available_bytes, release_free_memory

if TYPE_CHECKING:
    from proxflow.tasks.calls import Machine

log = logging.getLogger("proxflow.stages")
T = TypeVar("T")
OWN_SHARE = 4  # operators left to themselves take a quarter of what is free


def in_memory(label: str, machine: Machine, work: Callable[[Machine], T]) -> T:
    """``work(machine)``; where memory runs out, once more on a machine with half of ``memory_bytes``.

    Raises OutOfMemoryError where that is not enough either.
    """
    half = (machine.memory_bytes or available_bytes() // OWN_SHARE) // 2
    try:
        return work(machine)
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        log.warning("%s ran out of memory, once more with %d MiB for its operator", label, half >> 20)
    _release()
    try:
        return work(replace(machine, memory_bytes=half))
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"{label} must fit in memory, it ran out on {machine.device} also with {half >> 20} MiB for its "
            "operator: set runtime.memory lower, take fewer items or a smaller image, or a larger machine"
        ) from error


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that failed, of Python, NumPy, torch on the CPU or on CUDA."""
    torch_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or torch_cpu or type(error).__name__ == "OutOfMemoryError"


def _release() -> None:
    """Give back what the failed attempt held; its frames must be gone by now."""
    gc.collect()
    release_free_memory()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()

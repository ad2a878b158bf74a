"""Processes, told from later ones that were given their number."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

STARTED = 19  # proc(5), /proc/pid/stat: field 22, the third after the command in parentheses being 0


class Process(BaseModel):
    """One process. started: when, in the kernel's ticks since boot; None where it does not say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str
    pid: int
    started: int | None

    def is_here(self) -> bool:
        """Whether it is one of this machine's."""
        return self.host == socket.gethostname()

    def lives(self) -> bool:
        """Whether a process of this machine still is the one meant."""
        return process_started(self.pid) == self.started


def this_process() -> Process:
    """The process that asks."""
    return Process(host=socket.gethostname(), pid=os.getpid(), started=process_started(os.getpid()))


def process_started(pid: int) -> int | None:
    """When a process began, in the kernel's ticks since boot; None if there is none or it does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[STARTED])

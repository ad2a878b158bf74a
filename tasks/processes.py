"""Telling one process from a later one that was given its number."""

from __future__ import annotations

from pathlib import Path

STARTED = 19  # proc(5), /proc/pid/stat: field 22, the third after the command in parentheses being 0


def process_started(pid: int) -> int | None:
    """When a process began, in the kernel's ticks since boot; None if there is none or it does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[STARTED])

"""Prefect's embedded server must not outlive the run it was started for, however that ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_tied: set[str] = set()  # process numbers of servers that end with this process


def start_apart() -> None:
    """From now on Prefect starts its embedded server in a session of its own; it has no setting for it.

    A terminal sends Ctrl-C to all processes of a command. The server would end first, and the run, having
    said that it was interrupted, wait for minutes for a server to take its last events. In a session of its
    own it would outlive a run that is killed while it starts, which takes seconds: it is tied at once.
    """
    from prefect.server.api import server

    prefects_own = SimpleNamespace(**{**vars(subprocess), "Popen": _started_apart})
    server.subprocess = prefects_own  # type: ignore[assignment]


def _started_apart(*arguments: Any, **options: Any) -> subprocess.Popen[Any]:
    process = subprocess.Popen(*arguments, start_new_session=True, **options)
    _tie([str(process.pid)])
    return process


def tie_to_this_process() -> None:
    """End the embedded server when this process dies, also by SIGKILL.

    Prefect stops it at a regular exit alone. Where a server of the user's is in use, there is no such child
    and nothing is done.
    """
    _tie(pid for pid in _children() if pid not in _tied and "uvicorn" in _command(pid))


def _tie(servers: Iterable[str]) -> None:
    """A shell waits for the end of a pipe that this process holds open, which the kernel closes with it, and
    then terminates the servers.
    """
    pids = list(servers)
    if not pids:
        return
    _tied.update(pids)
    reading, _held_open = os.pipe()  # neither end is inherited but as the shell's input
    os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", f"read -r _; kill {' '.join(pids)} 2>/dev/null"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
        setsid=True,  # Ctrl-C goes to us; the server ends after us, not with us
    )
    os.close(reading)


def _children() -> list[str]:
    """Linux only; none elsewhere."""
    return [
        pid for listing in Path("/proc/self/task").glob("*/children") for pid in listing.read_text().split()
    ]


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # ended meanwhile

"""Prefect's embedded server must not outlive the run it was started for, however that ends."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path
from types import SimpleNamespace


def start_apart() -> None:
    """From now on Prefect starts its embedded server in a session of its own; it has no setting for it.

    A terminal sends Ctrl-C to all processes of a command. The server would end first, and the run, having
    said that it was interrupted, wait for minutes for a server to take its last events.
    """
    from prefect.server.api import server

    apart = partial(subprocess.Popen, start_new_session=True)
    server.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": apart})  # type: ignore[assignment]


def tie_to_this_process() -> None:
    """End the embedded server when this process dies, also by SIGKILL.

    Prefect stops it at a regular exit alone. A shell waits for the end of a pipe that this process holds
    open, which the kernel closes with it, and then terminates the server. Linux only; elsewhere, and where
    a server of the user's is in use, there is no such child and nothing is done.
    """
    servers = [pid for pid in _children() if "uvicorn" in _command(pid)]
    if not servers:
        return
    reading, _held_open = os.pipe()  # neither end is inherited but as the shell's input
    os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", f"read -r _; kill {' '.join(servers)} 2>/dev/null"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
        setsid=True,  # Ctrl-C goes to us; the server ends after us, not with us
    )
    os.close(reading)


def _children() -> list[str]:
    return [
        pid for listing in Path("/proc/self/task").glob("*/children") for pid in listing.read_text().split()
    ]


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # ended meanwhile

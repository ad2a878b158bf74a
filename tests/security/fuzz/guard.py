"""Tells, by Python's own audit events, of every write outside a folder, every program and every pickle."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {  # event -> which of its arguments are paths that it makes, changes or removes
    **{"os.mkdir": (0,), "os.rmdir": (0,), "os.remove": (0,), "os.truncate": (0,), "os.chmod": (0,)},
    **{"os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,), "shutil.rmtree": (0,), "os.utime": (0,)},
}
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")


class Guard:
    """``seen`` lists what should not have been. Audit hooks stay for the life of a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & WRITING:
            self._check(event, arguments[0])
        elif event in CHANGES and not _below_an_open_folder(event, arguments):
            for index in CHANGES[event]:
                self._check(event, arguments[index])
        elif event in PROGRAMS and "walker.py" not in str(arguments):
            self.seen.append(f"{event} {arguments!r:.300}")
        elif event == "pickle.find_class":
            self.seen.append(f"{event} {arguments[1:]!r}")

    def _check(self, event: str, path: Any) -> None:
        real = os.devnull if isinstance(path, int) else os.path.realpath(os.fsdecode(path))
        if real in (os.devnull, f"/proc/{os.getpid()}/clear_refs"):  # the latter measures memory
            return
        if not real.startswith(self._folder + os.sep) and real != self._folder:
            self.seen.append(f"{event} {real}")


def _below_an_open_folder(event: str, arguments: tuple[Any, ...]) -> bool:
    """A step of ``shutil.rmtree``, which was heard of by the name of the whole tree."""
    return event in ("os.remove", "os.rmdir") and arguments[1] != -1

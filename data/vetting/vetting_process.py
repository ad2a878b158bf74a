"""The process that looks at HDF5 files before this one does: started when first asked, kept warm."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

WALKER = Path(__file__).with_name("walker.py")
SLACK_SECONDS = 30  # to start, and for a child that not even its alarm ends
FROM_OUTSIDE = {signal.SIGIO, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP}  # no doing of libhdf5
RESTARTS = 3  # a child that nobody asked for a while has gone; another may go while it starts


class CrashedError(Exception):
    """The child ended without an answer: by a signal other than its alarm's."""


class HungError(Exception):
    """The child did not come to an end in time."""


class VettingProcess:
    """One child at a time, used by all threads of this process, one file after the other.

    It ends when this process does, also by SIGKILL, and by itself after a minute without work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, path: Path, seconds: int) -> str | None:
        """Why the file must not be opened, or None.

        Raises CrashedError or HungError for a file that libhdf5 does not survive or come to an end on.
        """
        with self._lock:
            request = json.dumps({"path": str(path), "seconds": seconds}).encode() + b"\n"
            for _ in range(RESTARTS):
                answer = self._answer(self._started(), request, seconds)
                if answer is not None:
                    refused: str | None = answer["refused"]
                    return refused
        raise RuntimeError("the process that looks at HDF5 files must answer, got none")

    def stop(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def forget(self) -> None:
        """After a fork the child is another's: let go of its pipes, which tell it our end, and the lock."""
        child, self._child = self._child, None
        self._lock = threading.Lock()
        if child is not None:
            child.returncode = 0  # not ours to wait for
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            quiet = {
                name: text for name, text in os.environ.items() if not name.startswith(("HDF5", "PYTHON"))
            }
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-B", str(WALKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=quiet
                | {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1"},  # "::" loads no plugin
            )
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], request: bytes, seconds: int) -> dict[str, Any] | None:
        """The answer; None if the child had gone before it was asked."""
        assert child.stdin is not None and child.stdout is not None
        try:
            try:
                child.stdin.write(request)
            except BrokenPipeError:
                self._gone(child)
                return None
            line = _read_line(child.stdout.fileno(), time.monotonic() + seconds + SLACK_SECONDS)
        except BaseException:  # an answer that nobody read would be taken for the next file's
            self.stop()
            raise
        if line is None:
            self.stop()
            raise HungError
        if not line:
            self._gone(child)
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _gone(self, child: subprocess.Popen[bytes]) -> None:
        """Raise what the child's end tells of the file; nothing where it tells nothing of it.

        That is where it had left for want of work, and where a signal from outside ended it. SIGIO, which is
        to come when we end, the kernel may still send for our request, once that is read and it is asked for.
        """
        self._child = None
        child.communicate()
        if -child.returncode in FROM_OUTSIDE:
            return
        if child.returncode == -signal.SIGALRM:
            raise HungError
        if child.returncode < 0:
            raise CrashedError
        if child.returncode > 0:
            raise RuntimeError(
                f"the process that looks at HDF5 files must start, got code {child.returncode}"
            )


def _read_line(descriptor: int, until: float) -> bytes | None:
    """A line, what there is of it at the end of the stream, or None when the time is over."""
    line, poll = b"", select.poll()
    poll.register(descriptor, select.POLLIN)
    while not line.endswith(b"\n"):
        if not poll.poll(1000 * max(0.0, until - time.monotonic())):
            return None
        part = os.read(descriptor, 65536)
        if not part:
            return b""
        line += part
    return line


PROCESS = VettingProcess()
atexit.register(PROCESS.stop)
os.register_at_fork(after_in_child=PROCESS.forget)

"""Prefect's embedded server ends with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STARTS = """
import time
from prefect.server.api import server
from proxflow.flows.embedded_server import start_apart
start_apart()
print(server.subprocess.Popen(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""


def test_a_server_that_is_still_starting_ends_with_a_killed_run() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        assert os.getsid(server) == server != os.getsid(0)
        assert alive(server)
        run.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while alive(server) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(server)


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits to be asked for its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

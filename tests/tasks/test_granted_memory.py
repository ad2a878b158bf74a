"""Work that runs out of memory: once more with half, then one sentence. Memory really runs out here."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import logging, resource, sys
import numpy as np, torch
from proxflow.tasks.errors import OutOfMemoryError
from proxflow.tasks.granted_memory import in_memory
from proxflow.tasks.calls import Machine

taken = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")][0] * 1024
room = int(sys.argv[2]) << 20
resource.setrlimit(resource.RLIMIT_AS, (taken + room, taken + room))
asked = []

def work(machine):
    asked.append(machine.memory_bytes >> 20)
    if sys.argv[1] == "numpy":
        return np.ones(machine.memory_bytes, np.uint8).nbytes
    return torch.ones(machine.memory_bytes, dtype=torch.uint8).nbytes

logging.basicConfig(format="%(message)s")
try:
    print(in_memory("reconstruct:tv", Machine("", 0, "cpu", 0.0, 1600 << 20), work) >> 20, asked)
except OutOfMemoryError as error:
    print(error, asked)
"""


def in_process(how: str, room_mib: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, how, str(room_mib)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("how", ["numpy", "torch"])
def test_half_the_memory_is_tried_once(how: str) -> None:
    done = in_process(how, 1200)
    assert done.stdout == "800 [1600, 800]\n"
    assert "reconstruct:tv ran out of memory, once more with 800 MiB" in done.stderr


@pytest.mark.parametrize("how", ["numpy", "torch"])
def test_no_room_for_half_either_is_said_plainly(how: str) -> None:
    done = in_process(how, 300)
    assert done.stdout.startswith("reconstruct:tv must fit in memory, it ran out on cpu also with 800 MiB")
    assert done.stdout.endswith("[1600, 800]\n")


def test_other_errors_are_left_alone() -> None:
    from proxflow.tasks.calls import Machine
    from proxflow.tasks.granted_memory import in_memory

    asked = []

    def work(machine: Machine) -> None:
        asked.append(machine)
        raise RuntimeError("a shape is wrong")

    with pytest.raises(RuntimeError, match="a shape is wrong"):
        in_memory("reconstruct:tv", Machine("", 0, "cpu", 0.0), work)
    assert len(asked) == 1

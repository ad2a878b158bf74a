"""One computation at a time on a device: others wait, and a holder that dies lets go at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator

import pytest

from proxflow.tasks.device_slot import device_name, device_slot, slot_path

HOLDER = """
import sys, time
from proxflow.tasks.device_slot import device_slot
with device_slot(sys.argv[1], lambda device: print("waits", flush=True)):
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def device() -> Iterator[str]:
    """The name of a device that no one else has."""
    name = f"test:{uuid.uuid4().hex}"
    yield name
    slot_path(device_name(name)).unlink(missing_ok=True)


def test_a_second_process_waits_until_the_first_is_killed(device: str) -> None:
    first, second = (
        subprocess.Popen([sys.executable, "-c", HOLDER, device], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        said = {first: first.stdout.readline(), second: second.stdout.readline()}  # type: ignore[union-attr]
        assert sorted(said.values()) == ["holds\n", "waits\n"]
        holder, waiter = sorted(said, key=said.__getitem__)
        holder.kill()
        assert waiter.stdout.readline() == "holds\n"  # type: ignore[union-attr]
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_threads_of_one_process_take_turns(device: str) -> None:
    waited, order = threading.Event(), []

    def second() -> None:
        with device_slot(device, lambda _: waited.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with device_slot(device, lambda _: pytest.fail("nobody else holds it")):
        thread.start()
        assert waited.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_the_processor_has_no_slot() -> None:
    with (
        device_slot("cpu", lambda _: pytest.fail("waits")),
        device_slot("cpu", lambda _: pytest.fail("waits")),
    ):
        assert not slot_path("cpu").exists()

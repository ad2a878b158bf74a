"""Foreign HDF5 files: what is refused, and that another process bears what libhdf5 does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.vetting import vet
from proxflow.data.vetting.vet import vet_hdf5
from proxflow.data.vetting.vetted_files import VettedFiles, identity_of
from proxflow.data.vetting.vetting_process import PROCESS, CrashedError, VettingProcess

KSPACE = np.ones((2, 3, 12, 10), np.complex64)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def hdf5(tmp_path: Path) -> Callable[[Callable[[h5py.File], object]], Path]:
    """A scan with one thing added to it."""

    def write(change: Callable[[h5py.File], object]) -> Path:
        with h5py.File(tmp_path / "scan.h5", "w") as file:
            file["kspace"] = KSPACE
            change(file)
        return tmp_path / "scan.h5"

    return write


def filtered(file: h5py.File) -> None:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    plist.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, (1,))
    h5py.h5d.create(file.id, b"packed", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4,)), plist)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("made_up", layout)


def deep(file: h5py.File) -> None:
    file.create_group("/".join("g" * 100))


def absent_chunks(file: h5py.File) -> None:
    """32 MB of texts by their declared size, of which libhdf5 makes 6 GB on reading."""
    file.create_dataset("labels", (2_000_000,), h5py.string_dtype(), chunks=(1,))


def large_chunk(file: h5py.File) -> None:
    """Small itself, but a single number of it takes 2 GiB to read."""
    file.create_dataset("large", (4,), np.float32, chunks=(2**29,), maxshape=(None,), compression="gzip")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda file: file.__setitem__("a", h5py.ExternalLink("x.h5", "/")), "a must be .* an external link"),
        (lambda file: file.__setitem__("more/round", file["/"]), "more/round must not lead back to a group"),
        (
            lambda file: file.create_dataset("o", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
            "storage in other files",
        ),
        (virtual, "made_up must be stored in the file itself, got storage in other files"),
        (filtered, "packed must be packed by HDF5's own filters, got filter 32008"),
        (deep, "64 levels"),
        (absent_chunks, "labels must hold its 2000000 chunks, got 0"),
        (large_chunk, "a chunk of large must fit its file, got 2147483648 declared bytes"),
        (
            lambda file: file.create_dataset("huge", (10**9, 10**9), "f8", chunks=(1, 64)),
            "huge must fit its file",
        ),
    ],
)
def test_what_no_reader_should_follow(
    hdf5: Callable[..., Path], change: Callable[[h5py.File], object], sentence: str
) -> None:
    path = hdf5(change)
    with pytest.raises(ScanError, match=sentence) as caught:
        open_scan(path)
    assert str(caught.value).startswith("scan.h5: ")


def test_what_may_be_in_a_file(hdf5: Callable[..., Path]) -> None:
    """Soft links within the file, also broken ones, several hard links to one array, and its own filters."""

    def harmless(file: h5py.File) -> None:
        file["soft"], file["broken"] = h5py.SoftLink("/kspace"), h5py.SoftLink("../../etc/passwd")
        file["again"] = file["kspace"]
        file.create_dataset("packed", data=np.arange(100), chunks=(7,), compression="lzf", shuffle=True)
        file["refs"] = np.array([file["kspace"].ref], h5py.ref_dtype)
        file["words"] = ["a", "bc"]
        file.attrs["of"] = file["kspace"].ref

    with open_scan(hdf5(harmless)) as scan:
        np.testing.assert_array_equal(scan.read().samples, KSPACE)


def test_a_crash_of_libhdf5_is_one_sentence(tmp_path: Path, hdf5: Callable[..., Path]) -> None:
    """The signal comes from here: what crashes one version of libhdf5 may not crash the next."""
    sound = hdf5(lambda file: None)
    vet_hdf5(sound)
    child = PROCESS._child
    assert child is not None
    os.mkfifo(tmp_path / "pipe.h5")
    threading.Timer(0.5, child.send_signal, [signal.SIGSEGV]).start()
    with pytest.raises(ScanError, match=r"must be a readable HDF5 file, got one that libhdf5 crashes on$"):
        vet_hdf5(tmp_path / "pipe.h5")
    vet_hdf5(sound)  # the next file is asked of a new child
    assert PROCESS._child is not None and PROCESS._child.pid != child.pid


def test_a_file_that_never_ends_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that nobody writes to: opening it waits inside the system, where no exception reaches."""
    monkeypatch.setattr(vet, "LEAST_SECONDS", 1)
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(ScanError, match="comes to no end on"):
        vet_hdf5(tmp_path / "pipe.h5")


HANGING = """
import sys, threading
from pathlib import Path
from proxflow.data.vetting.vetting_process import PROCESS, VettingProcess
process = VettingProcess()
process.ask(Path(sys.argv[1]), 5)
print(process._child.pid, flush=True)
process.ask(Path(sys.argv[2]), 600)
"""


def test_the_child_ends_with_its_parent_though_libhdf5_hangs(
    tmp_path: Path, hdf5: Callable[..., Path]
) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    sound = hdf5(lambda file: None)
    parent = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(sound), str(tmp_path / "pipe.h5")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)  # let it begin to wait for the pipe
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and state(child) != "Z":
        assert time.monotonic() < until, "the child must end with its parent"
        time.sleep(0.02)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_child_that_went_is_replaced(tmp_path: Path, hdf5: Callable[..., Path]) -> None:
    path, process = hdf5(lambda file: None), VettingProcess()
    assert process.ask(path, 20) is None
    child = process._child
    assert child is not None and child.stdin is not None
    child.stdin.close()  # it leaves as after a minute without work
    child.wait(20)
    child.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), "wb", buffering=0)
    assert process.ask(path, 20) is None
    assert process._child is not None and process._child.pid != child.pid
    process.stop()


@pytest.mark.parametrize("number", [signal.SIGIO, signal.SIGKILL])
def test_a_child_that_was_ended_from_outside_is_replaced(tmp_path: Path, number: int) -> None:
    """It tells nothing of the file. The kernel may send SIGIO for the request, just after it was read."""
    os.mkfifo(tmp_path / "pipe.h5")
    process, seen = VettingProcess(), list[int]()

    def end(number: int) -> None:
        assert process._child is not None
        seen.append(process._child.pid)
        process._child.send_signal(number)

    timers = [threading.Timer(1, end, [number]), threading.Timer(3, end, [signal.SIGSEGV])]
    for timer in timers:
        timer.start()
    with pytest.raises(CrashedError):
        process.ask(tmp_path / "pipe.h5", 60)
    assert len(set(seen)) == 2


def test_a_file_is_looked_at_once(tmp_path: Path, hdf5: Callable[..., Path]) -> None:
    """Known in this process and, by the cache, in the next, until it changes; not while it is fresh."""
    path = hdf5(lambda file: None)
    assert identity_of(path) is None
    settle(path)
    identity = identity_of(path)
    assert identity is not None and identity not in VettedFiles()
    vet_hdf5(path)
    assert identity in VettedFiles()
    with h5py.File(path, "r+") as file:
        file["kspace"][0] = 2
    settle(path)
    assert identity_of(path) not in VettedFiles()


def settle(path: Path) -> None:
    """Wait until a further change of the file would show in its times."""
    until = time.monotonic() + 30
    while identity_of(path) is None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_the_memory_of_files_stays_small(tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "proxflow" / "vetted"
    files = VettedFiles()
    for number in range(30_000):
        files.add(f"{number:040d}")
    assert memory.stat().st_size <= (1 << 20) + 41
    assert f"{29_999:040d}" in VettedFiles() and f"{0:040d}" not in VettedFiles()

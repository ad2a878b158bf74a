"""A scan that changes while it is read: what was digested was read, or no artefact is made and it is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.samples.catalogue import sample_path
from proxflow.data.store import file_state, outside_files
from proxflow.data.store.outside_files import OutsideFiles
from proxflow.tasks.modalities.cartesian import calibrate
from proxflow.tasks.stages import ingest

SENTENCE = "must stay as it is while it is read"
Change = Callable[[Path], object]


def replace(path: Path) -> None:
    """As rsync and most instruments do: a whole new file takes the name."""
    new = path.with_name("arrived")
    shutil.copyfile(path, new)
    rewrite(new)
    new.replace(path)


def rewrite(path: Path) -> None:
    """One byte in the middle, and the old time put back as ``cp -p`` would."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)
        file.seek(status.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 100)


CHANGES: dict[str, Change] = {
    "replaced": replace,
    "rewritten": rewrite,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "grown": append,
    "removed": Path.unlink,
}


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a command in this process, to get in the way of its reading: exit code, standard error."""
    from proxflow.flows.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    def run(*tokens: object) -> tuple[int, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*map(str, tokens), "--json"])
        return int(left.value.code or 0), capfd.readouterr().err

    return run


@pytest.fixture
def before_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change, Path], None]:
    """Do something to a file between its digest and its reading, once."""

    def arrange(change: Change, path: Path) -> None:
        todo = [change]
        for module, name in ((ingest, "open_scan"), (calibrate, "given_maps")):
            real = getattr(module, name)

            def changed(*given: Any, real: Any = real, **named: Any) -> Any:
                if path.name.startswith(Path(given[0]).stem) and todo:
                    todo.pop()(path)
                return real(*given, **named)

            monkeypatch.setattr(module, name, changed)

    return arrange


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return Path(shutil.copy(sample_path("brain-13coil"), tmp_path / "scan.h5"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_scan_that_changes_between_digest_and_reading(
    command: Any, before_reading: Any, write_recipe: Any, scan: Path, store: Path, change: str
) -> None:
    content = scan.read_bytes()
    before_reading(CHANGES[change], scan)
    recipe = write_recipe(store, scan)
    assert_refused(*command("run", recipe, "--out", "result"), scan)
    assert not list(store.rglob("*.h5"))
    assert not (recipe.parent / "result").exists()
    scan.write_bytes(content)
    code, err = command("run", recipe)
    assert code == 0, err


@pytest.mark.parametrize("change", ["rewritten", "replaced", "removed"])
def test_a_companion_that_changes(
    command: Any, before_reading: Any, tmp_path: Path, store: Path, change: str
) -> None:
    scan, beside = fan_scan(tmp_path)
    before_reading(CHANGES[change], beside)
    assert_refused(*command("run", fan_recipe(tmp_path, store, scan)), beside)
    assert not list(store.rglob("*.h5"))


def test_a_companion_that_arrives_late(
    command: Any, before_reading: Any, tmp_path: Path, store: Path
) -> None:
    """It would be read, yet its bytes are no part of the key."""
    scan, beside = fan_scan(tmp_path)
    late = beside.rename(tmp_path / "late")
    before_reading(lambda path: late.rename(path), beside)
    code, err = command("run", fan_recipe(tmp_path, store, scan))
    assert_refused(code, err, scan)
    assert beside.name in err
    assert not list(store.rglob("*.h5"))


@pytest.mark.parametrize("change", ["rewritten", "replaced", "truncated"])
def test_given_coil_maps_that_change(
    command: Any, before_reading: Any, write_recipe: Any, scan: Path, store: Path, tmp_path: Path, change: str
) -> None:
    maps = tmp_path / "maps.npy"
    rng = np.random.default_rng(0)
    np.save(maps, rng.standard_normal((4, 112, 96)).astype(np.complex64))
    before_reading(CHANGES[change], maps)
    given = ["--set", f"calibrate={{kind: given, path: {maps}}}"]
    assert_refused(*command("run", write_recipe(store, scan), *given), maps)
    assert len(list(store.rglob("*.h5"))) == 2  # ingest and prepare


def test_a_scan_rewritten_in_place_during_a_slow_read(
    command: Any, write_recipe: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program writes to the file, slice after slice, while this one reads it slice by slice."""
    scan = tmp_path / "scan.h5"
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((8, 3, 64, 48)) + 1j * rng.standard_normal((8, 3, 64, 48))
    with h5py.File(scan, "w") as file:
        place = file.create_dataset("kspace", data=samples.astype(np.complex64)).id.get_offset()
    real, begun = ingest.open_scan, threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        opened = real(*given, **named)
        read = opened.read

        def read_slowly(items: Any) -> Any:
            begun.set()
            time.sleep(0.05)
            return read(items)

        monkeypatch.setattr(opened, "read", read_slowly)
        return opened

    def write() -> None:
        begun.wait(60)
        with scan.open("r+b") as file:
            for _ in range(5):
                file.seek(place + scan.stat().st_size // 2)
                file.write(bytes(1000))
                file.flush()
                time.sleep(0.02)

    monkeypatch.setattr(ingest, "open_scan", slow)
    writer = threading.Thread(target=write)
    writer.start()
    outcome = command("run", write_recipe(store, scan), "--set", "runtime.memory=1MiB", "--set", "prepare=[]")
    writer.join()
    assert_refused(*outcome, scan)
    assert not list(store.rglob("*.h5"))


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, settled: bool
) -> None:
    """Of a file that lay still for long by its times alone; of a fresh one by its bytes too."""
    path = tmp_path / "scan"
    path.write_bytes(bytes(range(256)) * 40)
    now = time.time_ns
    monkeypatch.setattr(file_state.time, "time_ns", lambda: now() + settled * 10**10)
    files = OutsideFiles({"scan": path}, tmp_path / "memory")
    with files.unchanged():
        path.read_bytes()
    with pytest.raises(ScanError, match=SENTENCE), files.unchanged():
        CHANGES[change](path)


def test_a_change_that_the_times_do_not_show_is_found_in_a_fresh_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writes within one tick of the file system's clock leave the same times."""
    path = tmp_path / "scan"
    path.write_bytes(b"one")
    still = file_state.file_state(path)
    monkeypatch.setattr(outside_files, "file_state", lambda path: still)
    files = OutsideFiles({"scan": path}, tmp_path / "memory")
    with pytest.raises(ScanError, match=SENTENCE), files.unchanged():
        path.write_bytes(b"two")


def test_a_folder_of_pages_is_watched_too(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("1.tif", "2.tif"):
        (folder / name).write_bytes(name.encode())
    for change in (
        lambda: (folder / "3.tif").write_bytes(b"new"),
        lambda: (folder / "1.tif").write_bytes(b"xxxxx"),
        lambda: (folder / "2.tif").unlink(),
    ):
        files = OutsideFiles({"scan": folder}, tmp_path / "memory")
        with pytest.raises(ScanError, match=SENTENCE), files.unchanged():
            change()


def test_what_fails_for_another_reason_keeps_its_own_words(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(b"one")
    with pytest.raises(ZeroDivisionError), OutsideFiles({"scan": path}, tmp_path).unchanged():
        raise ZeroDivisionError


def test_companions_of_one_name_each_decide_the_key(tmp_path: Path) -> None:
    """Dark and flat frames in folders of their own, as many beamlines keep them."""
    from proxflow.configs.loading import load_recipe
    from proxflow.tasks.pipeline import scan_files

    frames = np.random.default_rng(0).random((4, 6, 5))
    for folder in ("dark", "flat"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "frames.npy", frames[:2, 0])
    np.save(tmp_path / "scan.npy", frames[0])
    (tmp_path / "scan.yaml").write_text(
        "modality: ct\naxes: [angle, column]\nangles_deg: [0, 30, 60, 90, 120, 150]\n"
        "beam: parallel\nquantity: counts\ndark: dark/frames.npy\nflat: flat/frames.npy\n"
    )
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: x\nscan: {kind: ct, path: scan.npy}\nreconstruct: {method: fbp}\n")
    files = scan_files(load_recipe(recipe))
    assert {Path(path).relative_to(tmp_path).as_posix() for path in files.values()} == {
        "scan.npy", "scan.yaml", "dark/frames.npy", "flat/frames.npy"
    }  # fmt: skip


CUT_OFF = """
import os, sys
from pathlib import Path
from proxflow.flows.cli.main import main
from proxflow.tasks.stages import ingest

real = ingest.open_scan

def cut_off_once_open(path, *given, **named):
    opened = real(path, *given, **named)
    if sys.argv[2] == "cut":
        os.truncate(path, 4096)
    return opened

ingest.open_scan = cut_off_once_open
main(["run", sys.argv[1], "--json"])
"""


@pytest.mark.slow
def test_a_mapped_scan_that_is_cut_off_ends_the_process_and_leaves_no_artefact(
    tmp_path: Path, store: Path, write_recipe: Any
) -> None:
    """The one change that is not one sentence: .npy and BART files are memory-mapped, and the kernel answers
    a read beyond their new end with SIGBUS."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((1, 4, 128, 96)) + 1j * rng.standard_normal((1, 4, 128, 96))
    np.save(tmp_path / "scan.npy", samples.astype(np.complex64))
    (tmp_path / "scan.yaml").write_text("axes: [item, coil, ky, kx]\n")
    content = (tmp_path / "scan.npy").read_bytes()
    recipe = write_recipe(store, tmp_path / "scan.npy")
    for how, code in (("cut", -signal.SIGBUS), ("whole", 0)):
        (tmp_path / "scan.npy").write_bytes(content)
        ended = subprocess.run(
            [sys.executable, "-c", CUT_OFF, recipe, how], cwd=tmp_path, capture_output=True, text=True
        )
        assert ended.returncode == code, ended.stderr
        assert bool(list(store.rglob("*.h5"))) == (how == "whole")


def fan_scan(folder: Path) -> tuple[Path, Path]:
    """A measured CT scan and the segmentation that belongs to it."""
    for name in ("htc2022-ta.mat", "htc2022-ta_seg.mat"):
        shutil.copy(sample_path("htc2022-ta").with_name(name), folder / name)
    return folder / "htc2022-ta.mat", folder / "htc2022-ta_seg.mat"


def fan_recipe(folder: Path, store: Path, scan: Path) -> Path:
    path = folder / "fan.yaml"
    path.write_text(
        f"name: fan\nscan: {{kind: ct, path: {scan}}}\nreconstruct: {{method: fbp}}\n"
        f"runtime: {{device: cpu, store: {store}}}\n"
    )
    return path


def assert_refused(code: int, err: str, file: Path) -> None:
    assert code == 2, err
    assert SENTENCE in err
    assert str(file) in err
    assert len(err.strip().splitlines()) == 1, err

"""A watched folder: every scan that arrives is reconstructed once, whatever happens to the watcher."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.samples.catalogue import sample_path

Pass = Callable[..., dict[str, Any]]


@pytest.fixture
def arriving(tmp_path: Path) -> Path:
    folder = tmp_path / "arriving"
    folder.mkdir()
    return folder


@pytest.fixture
def look(proxflow: Any, many_recipe: Path, arriving: Path) -> Pass:
    """One pass over the folder, with ``code`` as its exit code."""

    def run(*more: str, code: int = 0, settle: float = 0.05) -> dict[str, Any]:
        left, done, err = proxflow(
            "watch",
            arriving,
            "--recipe",
            many_recipe,
            "--out",
            "results",
            "--once",
            "--settle",
            settle,
            *more,
        )
        assert left == code, err
        return done

    return run


def taken(done: dict[str, Any]) -> dict[str, str]:
    """Name -> state of the scans that a pass took."""
    return {item["name"]: item["state"] for item in done["items"]}


def reported(folder: Path) -> dict[str, str]:
    """Name -> state in the combined report's document; a name twice would be lost, so it is counted."""
    items = json.loads((folder / "batch.json").read_text())["items"]
    assert len({item["name"] for item in items}) == len(items)
    return {item["name"]: item["state"] for item in items}


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_scan_is_taken_once(look: Pass, scan_file: Any, arriving: Path, tmp_path: Path) -> None:
    assert taken(look()) == {}
    scan_file(arriving / "a.h5")
    scan_file(arriving / "b.h5", 1.0)
    assert taken(look()) == {"a.h5": "done", "b.h5": "done"}
    assert taken(look()) == {}
    scan_file(arriving / "c.h5", 2.0)
    done = look()
    assert taken(done) == {"c.h5": "done"}
    assert reported(tmp_path / "results") == {"a.h5": "done", "b.h5": "done", "c.h5": "done"}
    assert Path(done["report"]).is_file()
    assert (tmp_path / "results" / done["items"][0]["report"]).is_file()


def test_what_is_no_scan_or_not_whole_by_its_name_is_not_looked_at(
    look: Pass, scan_file: Any, arriving: Path
) -> None:
    for name in (".a.h5", "b.h5.tmp", "c.h5.part", "d.h5~", ".rsync/e.h5"):
        scan_file(arriving / name)
    (arriving / "README.txt").write_text("what lies here")
    assert taken(look()) == {}
    (arriving / "b.h5.tmp").rename(arriving / "b.h5")
    assert taken(look()) == {"b.h5": "done"}


def test_a_growing_file_is_left_until_it_is_whole(
    look: Pass, scan_file: Any, arriving: Path, tmp_path: Path
) -> None:
    content = scan_file(tmp_path / "whole.h5").read_bytes()
    halted, stop = threading.Event(), threading.Event()

    def write() -> None:
        with (arriving / "slow.h5").open("wb", buffering=0) as file:
            for place in range(0, len(content) - 1, 8):
                file.write(content[place : place + 8])
                if stop.wait(0.002):
                    break
            halted.set()
            stop.wait(60)
            file.write(content[file.tell() :])

    writer = threading.Thread(target=write)
    writer.start()
    wait_for(lambda: (arriving / "slow.h5").exists())
    done = look(settle=0.2)
    assert not halted.is_set(), "the file was whole too early to tell"
    assert (taken(done), done["arriving"]) == ({}, ["slow.h5"])
    stop.set()
    writer.join()
    assert taken(look()) == {"slow.h5": "done"}


def test_a_replaced_scan_is_a_new_scan(look: Pass, scan_file: Any, arriving: Path, tmp_path: Path) -> None:
    first = scan_file(arriving / "a.h5", 0.0)
    kept = first.read_bytes()
    one = look()["items"][0]
    status = first.stat()
    scan_file(arriving / "new", 1.0).rename(first)
    os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))  # the same time: the clock tells nothing
    other = look()["items"][0]
    assert other["state"] == "done"
    assert other["folder"] != one["folder"]
    assert set(reported(tmp_path / "results").values()) == {"done"}
    assert sorted(reported(tmp_path / "results"))[0] == "a.h5"
    assert len(reported(tmp_path / "results")) == 2
    first.write_bytes(kept)  # the old content again, which was done already
    assert taken(look()) == {}
    os.utime(first)
    assert taken(look()) == {}


def test_times_are_not_compared_with_the_clock(look: Pass, scan_file: Any, arriving: Path) -> None:
    future = scan_file(arriving / "future.h5")
    os.utime(future, (4e9, 4e9))
    assert taken(look()) == {"future.h5": "done"}
    past = scan_file(arriving / "past.h5", 1.0)
    os.utime(past, (1e6, 1e6))
    assert taken(look()) == {"past.h5": "done"}


def test_a_failed_scan_is_told_once_and_tried_again_when_it_changes_or_on_demand(
    look: Pass, scan_file: Any, arriving: Path, tmp_path: Path
) -> None:
    shutil.copy(sample_path("tooth"), arriving / "tooth.h5")
    whole = scan_file(tmp_path / "whole.h5").read_bytes()
    (arriving / "cut.h5").write_bytes(whole[: len(whole) // 2])
    done = look(code=1)
    assert taken(done) == {"cut.h5": "failed", "tooth.h5": "failed"}
    assert "truncated" in done["items"][0]["why"]
    assert taken(look()) == {}
    assert taken(look("--retry-failed", code=1)) == {"cut.h5": "failed", "tooth.h5": "failed"}
    (arriving / "cut.h5").write_bytes(whole)
    assert taken(look()) == {"cut.h5": "done"}
    assert reported(tmp_path / "results") == {"cut.h5": "done", "tooth.h5": "failed"}


def test_a_sidecar_that_comes_later_makes_the_scan_whole(
    look: Pass, proxflow: Any, arriving: Path, tmp_path: Path, store: Path
) -> None:
    angles = np.arange(30) * 6.0
    np.save(arriving / "scan.npy", np.tile(np.exp(-(np.linspace(-2, 2, 24) ** 2)), (30, 1)).astype("f4"))
    recipe = tmp_path / "ct.yaml"
    recipe.write_text(
        "name: ct\nscan: {kind: ct}\nimage: {matrix: [24, 24]}\nreconstruct: {method: fbp}\n"
        f"evaluate: {{held_out_fraction: 0}}\nruntime: {{device: cpu, store: {store}}}\n"
    )
    once = ["watch", arriving, "--recipe", recipe, "--out", "ct", "--once", "--settle", "0.05"]
    code, done, _ = proxflow(*once)
    assert (code, taken(done)) == (1, {"scan.npy": "failed"})
    assert proxflow(*once)[1]["items"] == []
    (arriving / "scan.yaml").write_text(
        "modality: ct\nquantity: attenuation\naxes: [angle, column]\nbeam: parallel\n"
        f"angles_deg: {angles.tolist()}\n"
    )
    code, done, err = proxflow(*once)
    assert (code, taken(done)) == (0, {"scan.npy": "done"}), (done, err)
    assert reported(tmp_path / "ct") == {"scan.npy": "done"}
    assert proxflow(*once)[1]["items"] == []


def test_a_fault_of_the_machine_is_not_the_scans(
    look: Pass, scan_file: Any, arriving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.data.store.errors import StoreError
    from proxflow.data.store.store import ArtefactStore

    def full(*_: object) -> str:
        raise StoreError(28, "store must have room on its disk, 0.0 MiB are free", "/store")

    scan_file(arriving / "a.h5")
    with monkeypatch.context() as patched:
        patched.setattr(ArtefactStore, "_write", full)
        done = look(code=1)
    assert taken(done) == {"a.h5": "left"}
    assert "room on its disk" in done["items"][0]["why"]
    assert reported(tmp_path / "results") == {"a.h5": "left"}
    assert taken(look()) == {"a.h5": "done"}
    assert reported(tmp_path / "results") == {"a.h5": "done"}


def test_a_scan_that_changes_while_it_is_read_is_left(
    look: Pass, scan_file: Any, arriving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.tasks.stages import ingest

    read = ingest.ingest

    def replaced(context: Any, writer: Any) -> None:
        read(context, writer)
        if not (tmp_path / "other.h5").exists():
            shutil.copy(scan_file(tmp_path / "other.h5", 1.0), arriving / "a.h5")

    scan_file(arriving / "a.h5", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(ingest, "ingest", replaced)
        done = look(code=1)
    assert taken(done) == {"a.h5": "left"}
    assert "changed while it was read" in done["items"][0]["why"]
    assert not list((tmp_path / "results" / "scans").iterdir())
    assert taken(look()) == {"a.h5": "done"}


def test_results_in_the_watched_folder_are_no_scans(
    proxflow: Any, many_recipe: Path, scan_file: Any, arriving: Path
) -> None:
    scan_file(arriving / "day1" / "a.h5")
    everywhere = [
        "watch",
        arriving,
        "--recipe",
        many_recipe,
        "--once",
        "--settle",
        "0.05",
        "--pattern",
        "**/*.h5",
    ]
    code, done, err = proxflow(*everywhere)
    assert (code, taken(done)) == (0, {"day1/a.h5": "done"}), err
    assert Path(done["run_dir"]) == arriving / "proxflow-tiny"
    assert list((arriving / "proxflow-tiny").glob("scans/day1-a-*/image.h5"))
    code, done, err = proxflow(*everywhere)
    assert (code, taken(done)) == (0, {}), err


def start_watch(spawn: Any, arriving: Path, recipe: Path, *more: str) -> subprocess.Popen[str]:
    process: subprocess.Popen[str] = spawn(
        "watch", arriving, "--recipe", recipe, "--out", "results", "--settle", "0.05", *more
    )
    return process


@pytest.mark.slow
def test_two_watchers_share_twelve_scans(
    spawn: Any, many_recipe: Path, scan_file: Any, arriving: Path, tmp_path: Path
) -> None:
    for k in range(12):
        scan_file(arriving / f"scan{k}.h5", k / 2)
    watchers = [start_watch(spawn, arriving, many_recipe, "--once") for _ in range(2)]
    outputs = [watcher.communicate(timeout=240) for watcher in watchers]
    assert [watcher.returncode for watcher in watchers] == [0, 0], outputs
    passes = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    names = [item["name"] for done in passes for item in done["items"]]
    assert sorted(names) == sorted(f"scan{k}.h5" for k in range(12))
    assert set(reported(tmp_path / "results").values()) == {"done"}
    assert len(reported(tmp_path / "results")) == 12
    assert not list((tmp_path / "results" / ".watch" / "locks").iterdir())


@pytest.mark.slow
def test_killed_in_the_middle_of_a_scan_the_next_pass_takes_it_again(
    spawn: Any, look: Pass, many_recipe: Path, scan_file: Any, arriving: Path, tmp_path: Path, store: Path
) -> None:
    endless = "reconstruct={method: tv, n_iter: 150, tol: 0, lam: 0.003}"
    long = ["--set", endless, "--set", "runtime.checkpoint_seconds=0.05"]
    for k in range(3):
        scan_file(arriving / f"scan{k}.h5", k)
    watcher = start_watch(spawn, arriving, many_recipe, *long)
    wait_for(lambda: list(store.glob("checkpoints/*/state-0.h5")), watcher)
    os.kill(watcher.pid, signal.SIGKILL)
    watcher.wait()
    before = len(list((tmp_path / "results" / ".watch" / "records").glob("*.json")))
    assert before < 3
    done = look(*long)
    assert len(taken(done)) == 3 - before
    assert reported(tmp_path / "results") == {f"scan{k}.h5": "done" for k in range(3)}
    assert len(list((tmp_path / "results" / "scans").iterdir())) == 3
    for k in range(3):
        (image,) = (tmp_path / "results" / "scans").glob(f"scan{k}-*/image.h5")
        with h5py.File(image) as file:
            assert np.isfinite(file["image"][()]).all()
    assert taken(look(*long)) == {}


@pytest.mark.slow
def test_a_watcher_takes_what_arrives_until_it_is_stopped(
    spawn: Any, many_recipe: Path, scan_file: Any, arriving: Path, tmp_path: Path
) -> None:
    watcher = start_watch(spawn, arriving, many_recipe, "--every", "0.2")
    records = tmp_path / "results" / ".watch" / "records"
    for k in range(3):
        scan_file(arriving / f"scan{k}.h5", k)
        wait_for(lambda k=k: len(list(records.glob("[!.]*.json"))) == k + 1, watcher)
    assert watcher.stdout is not None and watcher.stderr is not None
    names: list[str] = []
    while len(names) < 3:
        names += taken(json.loads(watcher.stdout.readline()))
    assert names == ["scan0.h5", "scan1.h5", "scan2.h5"]
    assert len(reported(tmp_path / "results")) == 3
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(60) == 130
    assert json.loads(watcher.stdout.read().splitlines()[-1])["status"] == "interrupted"
    assert "Traceback" not in watcher.stderr.read()


@pytest.mark.slow
@pytest.mark.prefect
def test_as_a_flow_each_run_is_one_pass(
    many_recipe: Path,
    scan_file: Any,
    arriving: Path,
    tmp_path: Path,
    prefect_home_at: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(prefect_home_at(tmp_path / "prefect")))
    monkeypatch.setenv("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    scan_file(arriving / "a.h5")
    (arriving / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    code = (
        "from proxflow.flows.prefect_environment import prepare_environment\n"
        "prepare_environment(quiet=True)\n"
        "from proxflow.flows.watch import watch\n"
        "for _ in range(2):\n"
        f"    given = {{'folder': {str(arriving)!r}, 'recipe': {str(many_recipe)!r}}}\n"
        "    state = watch(**given, settle=0.05, return_state=True)\n"
        "    print(state.name, '|', state.message)\n"
        "state = watch(folder='/none', recipe='tiny', return_state=True)\n"
        "print(state.name, '|', state.message)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    done = subprocess.run(
        [os.sys.executable, "-c", code],  # type: ignore[attr-defined]
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=280,
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Failed | 1 done, 1 failed", "Completed | nothing new"], done.stderr
    assert lines[2].startswith("Failed | ") and "recipe must be an existing file" in lines[2]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["none", "--recipe", "tiny.yaml"], "folder must be an existing folder, got 'none'"),
        (["arriving", "--recipe", "none.yaml"], "recipe must be an existing file or a ready recipe"),
        (["arriving", "--recipe", "tiny.yaml", "--settle", "-1"], "settle must be between 0 and 86400"),
        (["arriving", "--recipe", "tiny.yaml", "--settle", "nan"], "settle must be between 0 and 86400"),
        (["arriving", "--recipe", "tiny.yaml", "--every", "-1"], "--every must be between 0 and 86400"),
        (["arriving", "--recipe", "tiny.yaml", "--pattern", "../*.h5"], "pattern must be one of names"),
        (["arriving", "--recipe", "tiny.yaml", "--out", "tiny.yaml"], "--out must be a folder"),
    ],
)
def test_bad_input_is_one_sentence(
    proxflow: Any, many_recipe: Path, arriving: Path, more: list[str], sentence: str
) -> None:
    code, done, err = proxflow("watch", *more, "--once")
    assert code == 2, err
    assert done["status"] == "bad_input"
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert not list(arriving.iterdir())

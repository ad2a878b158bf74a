"""Ctrl-C and SIGTERM: one sentence, the right exit code, nothing left running, nothing half written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SIGNALS = 60
WRITER = """
import sys
from pathlib import Path
import numpy as np
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.cli.stopping import Terminated, unwind_on_signals

rows = np.random.default_rng(0).standard_normal((60, 20, 20))

def make(writer):
    writer.create("image", rows.shape, rows.dtype)
    for row in rows:
        writer.append("image", row[None])
    return {}

store, number = ArtefactStore(Path(sys.argv[1])), 0
unwind_on_signals()
print("begun", flush=True)
while True:
    try:
        while True:
            number += 1
            store.get_or_make("a", f"{number:040d}", make)
    except Terminated:
        unwind_on_signals()
        print("heard", flush=True)
"""


def session(leader: int) -> list[str]:
    """Processes of a command's session, itself apart."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(leader):
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                found.append(entry.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("stage", [0, 3, 6])
def test_stopped_in_a_stage_and_run_again_gives_the_same_bits(
    start: Any, run: Any, recipe: Path, store: Path, whole: Any, until: Any, artefacts: Any,
    chance: random.Random, number: int, stage: int,
) -> None:  # fmt: skip
    seconds = whole.document["stages"][stage]["seconds"]
    running = start("run", recipe, "--out", "result")
    until(lambda: len(artefacts(store)) >= stage and list(store.glob("locks/*")), running)
    time.sleep(chance.random() * seconds / 2)
    running.signal(number)
    sent = time.monotonic()
    stopped = running.ended()
    print(f"left after {time.monotonic() - sent:.2f} s")  # pytest -rP shows it
    assert stopped.code == CODES[number], stopped.err
    assert stopped.document["status"] == "interrupted"
    assert stopped.err.count("run the same command again to go on from here") == 1
    assert len(stopped.err.splitlines()) == 1, stopped.err
    assert session(running.pid) == []
    assert not [*store.glob("artefacts/*/.*"), *store.glob("locks/*")]
    again = run(recipe)
    assert len(again.computed) < len(again.document["stages"]) or stage == 0
    np.testing.assert_array_equal(again.image(), whole.image())


def test_pressing_ctrl_c_again_and_again_gives_no_traceback(
    start: Any, recipe: Path, store: Path, until: Any
) -> None:
    running = start("run", recipe, "--set", "reconstruct.n_iter=100000")
    until(lambda: list(store.glob("checkpoints/*/state-0.h5")), running)
    while running.lives():
        running.signal(signal.SIGINT)
        time.sleep(0.01)
    stopped = running.ended()
    assert stopped.code == 130
    assert "Traceback" not in stopped.err
    assert stopped.err.count("interrupted") == 1


def test_a_signal_in_the_middle_of_a_write_loses_neither_the_signal_nor_the_write(
    tmp_path: Path, chance: random.Random, until: Any
) -> None:
    """A writer that does nothing else hears each of many SIGTERMs, and what it published is whole."""
    from proxflow.data.store.artefact import Artefact
    from proxflow.data.store.seal import check_seal

    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "begun\n"
    for _ in range(SIGNALS):
        time.sleep(0.2 * chance.random())
        writer.send_signal(signal.SIGTERM)
        assert writer.stdout.readline() == "heard\n"
    until(lambda: len(list(tmp_path.glob("artefacts/*/*.h5"))) > 5)
    writer.kill()
    _, err = writer.communicate()
    assert err == ""
    rows = np.random.default_rng(0).standard_normal((60, 20, 20))
    for path in tmp_path.glob("artefacts/*/*.h5"):
        check_seal(path)
        with Artefact(path) as artefact:
            np.testing.assert_array_equal(artefact.array("image"), rows)


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.parametrize("number", CODES)
def test_stopping_a_flow_leaves_no_server(
    tmp_path: Path, recipe: Path, store: Path, prefect_environment: dict[str, str], until: Any, number: int
) -> None:
    """As a terminal does it: the signal goes to every process of the group, the embedded server too."""
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    command = "from proxflow.flows.cli.main import main; main()"
    tokens = ["run", str(recipe), "--prefect", "--json", "--set", "reconstruct.n_iter=100000"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *tokens],
        cwd=tmp_path,
        env=environment | prefect_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: process.poll() is not None or list(store.glob("checkpoints/*/state-0.h5")))
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == CODES[number], err
    assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
    assert "Traceback" not in err
    until(lambda: not of_this_run(prefect_environment["PREFECT_HOME"]))


def of_this_run(home: str) -> list[str]:
    """Live processes that were given a folder in their environment, this one apart."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"PREFECT_HOME={home}" in environment:
                found.append(entry.name)
    return found

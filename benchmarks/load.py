"""Hundreds of small runs asked for at once: do all finish, does the serving process stay as it was?

    python -m benchmarks.load [--runs 500] [--at-once 2]

Starts `proxflow ui` and `proxflow serve` on free ports with a database, a store of 64 MiB and run folders of
their own, asks the server for all runs at once, each with another weight so that none is found in the store,
and samples both processes until the last has ended. Exits with 1 if a run did not complete.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

STORE_LIMIT = 64 << 20
STATES = (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CRASHED",
    "CANCELLED",
    "CANCELLING",
    "PAUSED",
)
WAITING = ("SCHEDULED", "PENDING", "RUNNING")
COMMAND = [sys.executable, "-c", "from proxflow.flows.cli.main import main; main()"]
SERVING = """limit: {at_once}
reports: {{enabled: false}}
deployments:
  - name: small
    flow: reconstruct
    parameters:
      recipe: {recipe}
"""
RECIPE = """name: small
scan: {{path: 'sample://brain-13coil'}}
prepare:
  - {{kind: crop, matrix: [48, 40]}}
  - {{kind: compress_coils, n_coils: 2}}
  - {{kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}}
reconstruct: {{method: cg_sense, n_iter: 5}}
evaluate: {{held_out_fraction: 0}}
runtime: {{device: cpu, store: {store}, store_limit: 64MiB}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return load(Path(folder), options.runs, options.at_once)


def load(folder: Path, runs: int, at_once: int) -> int:
    """Ask for the runs, wait for their end, print the figures."""
    api = f"http://127.0.0.1:{free_port()}/api"
    environment = os.environ | {"PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect")}
    environment |= {"OMP_NUM_THREADS": "1"}
    (folder / "small.yaml").write_text(RECIPE.format(store=folder / "store"))
    serving = SERVING.format(at_once=at_once, recipe=folder / "small.yaml")
    (folder / "serving.yaml").write_text(serving)
    port = api.rpartition(":")[2].removesuffix("/api")
    ui = start(["ui", "--port", port], folder, environment)
    serve = None
    try:
        wait_for(lambda: answer(api, "GET", "/health"), 120)
        serve = start(["serve", "serving.yaml"], folder, environment)
        deployment = wait_for(lambda: answer(api, "GET", "/deployments/name/reconstruct/small"), 120)["id"]
        began = time.monotonic()
        for number in range(runs):
            changes = [f"reconstruct.lam={0.01 + number * 1e-5:.5f}"]
            ask = {"parameters": {"recipe": str(folder / "small.yaml"), "changes": changes}}
            create = partial(answer, api, "POST", f"/deployments/{deployment}/create_flow_run", ask)
            wait_for(create, 600)  # a server that is busy says 503
        print(f"{runs} runs asked for in {time.monotonic() - began:.1f} s", flush=True)
        return watch(api, folder, runs, began, ui.pid, serve.pid)
    finally:
        for process in (serve, ui):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def watch(api: str, folder: Path, runs: int, began: float, ui: int, serve: int) -> int:
    """Sample until all have ended; 0 if all completed."""
    print(f"{'minute':>7}{'ended':>7}{'serve MiB':>11}{'server MiB':>12}{'store MiB':>11}", flush=True)
    largest, shown = 0, -1.0
    while True:
        states = wait_for(partial(all_states, api), 600)
        ended = sum(
            count for state, count in states.items() if state not in ("SCHEDULED", "PENDING", "RUNNING")
        )
        held = sum(path.stat().st_size for path in (folder / "store" / "artefacts").glob("??/*.h5"))
        largest = max(largest, held)
        minutes = (time.monotonic() - began) / 60
        if minutes - shown >= 1 or ended == runs:
            shown = minutes
            sizes = f"{resident(serve) >> 20:>11}{resident(ui) >> 20:>12}{held >> 20:>11}"
            print(f"{minutes:>7.1f}{ended:>7}{sizes}", flush=True)
        if ended == runs:
            break
        time.sleep(10)
    print(f"{states}; {runs / minutes:.0f} runs a minute; store at most {largest >> 20} of "
          f"{STORE_LIMIT >> 20} MiB")  # fmt: skip
    return 0 if states == {"COMPLETED": runs} and largest <= STORE_LIMIT else 1


def all_states(api: str) -> dict[str, int]:
    """How many flow runs are in each state."""
    asked = {state: {"flow_runs": {"state": {"type": {"any_": [state]}}}} for state in STATES}
    counts = {state: answer(api, "POST", "/flow_runs/count", body) for state, body in asked.items()}
    return {state: count for state, count in counts.items() if count}


def answer(api: str, verb: str, path: str, body: Any = None) -> Any:
    """What the server says."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(api + path, data, {"Content-Type": "application/json"}, method=verb)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def wait_for(ask: Any, seconds: float) -> Any:
    """The first answer that is no error."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def start(tokens: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Our command as a process, its words in a file of the folder."""
    with (folder / f"{tokens[0]}.log").open("w") as log:
        return subprocess.Popen([*COMMAND, *tokens], cwd=folder, env=environment, stdout=log, stderr=log)


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())

"""What the pipeline costs beside the methods, on the demo, for both callers.

    python -m benchmarks.pipeline_overhead [--repeats 3]

Each run is a fresh process on an empty store. ``methods`` are the reconstruct and hold_out stages;
``own cost`` is all the rest of the wall time less importing torch, measured in the same round. For Prefect
the yardstick is a flow of as many empty tasks on the embedded API.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

EMPTY_FLOW = """
from proxflow.flows.prefect_environment import prepare_environment
prepare_environment(quiet=True)
from prefect import flow, task
from prefect.settings import get_current_settings
from prefect.task_runners import ThreadPoolTaskRunner
from proxflow.flows.as_flow import drain
get_current_settings().flows.heartbeat_frequency = None

@task(persist_result=False)
def nothing(label): return None

@flow(persist_result=False, task_runner=ThreadPoolTaskRunner(max_workers=1))
def empty():
    for index in range({n}): nothing.submit(str(index)).result()

state = empty(return_state=True)
drain(state.state_details.flow_run_id, {n})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    rounds = [measure() for _ in range(repeats)]
    print(f"median of {repeats} rounds, seconds")
    for name in rounds[0]:
        print(f"  {name:<58} {median(one[name] for one in rounds):6.2f}")


def measure() -> dict[str, float]:
    """One round: every figure once, so that a busy machine hits all alike."""
    torch_import = timed("import torch")[0]
    plain, run = demo()
    warm = command("run", "mri-brain-poisson4", times=2)[1]
    if not all(stage["cached"] for stage in warm[1]["stages"]):
        raise RuntimeError("the second run must find every stage")
    with_prefect, as_flow = demo("--prefect")
    empty = timed(EMPTY_FLOW.format(n=len(run["stages"])))[0]
    methods, flow_methods = in_methods(run), in_methods(as_flow)
    return {
        "import torch": torch_import,
        "plain: total": plain,
        "plain: methods (reconstruct, hold_out)": methods,
        "plain: own cost beyond importing torch": plain - methods - torch_import,
        "plain: of it calibrate": stage_seconds(run, "calibrate"),
        "plain: of it ingest, prepare, evaluate, report": stage_seconds(
            run, "ingest", "prepare", "evaluate", "report"
        ),
        "plain: a run whose stages are all in the store": warm[0],
        "prefect: total": with_prefect,
        "prefect: methods (reconstruct, hold_out)": flow_methods,
        "prefect: empty flow of the same shape, embedded API": empty,
        "prefect: more than the empty flow and the plain run's work": with_prefect
        - flow_methods
        - empty
        - (plain - methods),
    }


def demo(*options: str) -> tuple[float, dict[str, Any]]:
    """Wall time and closing JSON of the demo on an empty store."""
    return command("demo", *options)[0]


def command(verb: str, *tokens: str, times: int = 1) -> list[tuple[float, dict[str, Any]]]:
    """Wall time and closing JSON of a command, given ``times`` on a store that was empty at first."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PROXFLOW_STORE": str(Path(folder) / "store")}
        environment.pop("PREFECT_API_URL", None)
        code = "from proxflow.flows.cli.main import main; main()"
        line = [verb, *tokens, "--json", "--device", "cpu"]
        return [timed(code, *line, cwd=folder, env=environment) for _ in range(times)]


def timed(code: str, *tokens: str, **options: Any) -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *tokens], check=True, capture_output=True, text=True, **options
    )
    seconds = time.monotonic() - began
    lines = done.stdout.strip().splitlines()
    return seconds, json.loads(lines[-1]) if lines else {}


def in_methods(run: dict[str, Any]) -> float:
    return sum(stage["seconds"] for stage in run["stages"] if ":" in stage["name"])


def stage_seconds(run: dict[str, Any], *names: str) -> float:
    return sum(stage["seconds"] for stage in run["stages"] if stage["name"] in names)


if __name__ == "__main__":
    main()

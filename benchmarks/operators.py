"""The table of operators: ours against other libraries and the machine's limits.

    python -m benchmarks.operators [--sizes small|all] [--only mri,radial,ct,cone,radar] [--json FILE]

from the root of the repository. In each block the contenders take turns in this process; "/ ours" is a
time as a multiple of ours, "ours / it" our time as a multiple of the limit (benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.operator_row import Row
from benchmarks.operator_table import TablePrinter, growth_lines
from benchmarks.targets import target_lines
from proxflow.flows.cores import share_cores

MODULES = {
    "mri": "rows_cartesian",
    "radial": "rows_nufft",
    "ct": "rows_tomography",
    "cone": "rows_cone",
    "radar": "rows_radar",
}


def main(words: list[str] | None = None) -> None:
    """Print the table as it is measured, then growth and targets; write the rows where asked to."""
    arguments = _parser().parse_args(words)
    share_cores()  # before torch: its waiting threads would stall all contenders on a busy machine
    import torch

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    machine = f"{_cpu()}, torch {torch.__version__} with {torch.get_num_threads()} threads, {_load()}"
    print(machine)
    with torch.no_grad():
        rows = _measured(arguments.only, arguments.sizes)
    for title, lines in (
        ("Growth of ours with its work (elementary operations; time ~ work^exponent)", growth_lines(rows)),
        ("Targets", target_lines(rows)),
    ):
        if lines:
            print("\n".join(["", title, *lines]))
    print(f"\n{_load()} at the end")
    if arguments.json is not None:
        text = json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1)
        arguments.json.write_text(text + "\n")


def _measured(only: list[str], sizes: str) -> list[Row]:
    import torch

    from benchmarks import rows_cuda
    from benchmarks.deepinv_physics import HOW_TO_INSTALL, deepinv_physics

    if deepinv_physics() is None:
        print(HOW_TO_INSTALL)
    on_cuda = torch.cuda.is_available()
    if not on_cuda:
        print("No CUDA device was found: CPU rows only.")
    began, table = time.perf_counter(), TablePrinter()
    for group in only:
        for row in import_module(f"benchmarks.{MODULES[group]}").rows(sizes):
            table.add(row)
        if on_cuda:
            for row in rows_cuda.rows(group, sizes, torch.device("cuda")):
                table.add(row)
    table.flush()
    print(f"\n{time.perf_counter() - began:.0f} s in all")
    return table.rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", choices=("small", "all"), default="small", help="two sizes each, or three")
    parser.add_argument("--only", type=_groups, default=list(MODULES), help=f"of {','.join(MODULES)}")
    parser.add_argument("--json", type=Path, help="file for the rows")
    parser.add_argument("--threads", type=int, help="torch's own number if left out")
    return parser


def _groups(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in MODULES:
            raise argparse.ArgumentTypeError(f"must be of {','.join(MODULES)}, got {name}")
    return names


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    names = [line.split(":")[1] for line in text.splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {(names or [platform.processor()])[0].strip()}"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()

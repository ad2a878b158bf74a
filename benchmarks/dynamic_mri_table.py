"""Methods for dynamic MRI on the sample of an abdomen: the table of docs/methods/red-psm.md.

    python -m benchmarks.dynamic_mri_table [--seeds 0 1 2] [--out FOLDER] [--set calibrate=...]

The ready recipe, with several draws of the spokes that each method must predict. What is done lies in the
store, so that an interrupted table goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

RECIPE = "dynamic-mri-red-psm"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("dynamic-mri-table"))
    parser.add_argument("--set", action="append", default=[], help="as of proxflow compare")
    chosen = parser.parse_args()
    print(table([compared(seed, chosen.out / f"seed-{seed}", chosen.set) for seed in chosen.seeds]))


def compared(seed: int, folder: Path, changes: list[str]) -> dict[str, Any]:
    """metrics.json of the recipe with its methods compared."""
    start = "from proxflow.flows.cli.main import main; main()"
    command = [sys.executable, "-c", start, "compare", RECIPE, "--out", str(folder)]
    for change in (f"evaluate.held_out_seed={seed}", *changes):
        command += ["--set", change]
    subprocess.run(command, check=True, stdout=sys.stderr)
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def table(runs: list[dict[str, Any]]) -> str:
    """Markdown: the held-out errors, and the figures of the images, which are the same in all runs."""
    head = ["method", *("held-out error" for _ in runs), "mean", "PSNR dB", "SSIM", "HFEN", "seconds"]
    rows = [" | ".join(head), " | ".join("---" for _ in head)]
    for method in runs[0]["methods"]:
        errors = [run["methods"][method]["metrics"]["held_out_error"]["value"] for run in runs]
        image = runs[0]["methods"][method]
        figures = [f"{image['metrics'][name]['value']:.4g}" for name in ("psnr", "ssim", "hfen")]
        cells = [method, *(f"{error:.4f}" for error in [*errors, mean(errors)]), *figures]
        rows.append(" | ".join([*cells, f"{image['seconds']:.0f}"]))
    return "\n".join(f"| {row} |" for row in rows)


if __name__ == "__main__":
    main()

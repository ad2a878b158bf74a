"""Methods for dynamic MRI on the sample of an abdomen: the table of docs/methods/red-psm.md.

    python -m benchmarks.dynamic_mri_table [--seeds 0 1 2] [--out FOLDER] [--set calibrate=...]

The ready recipe, with several draws of the spokes that each method must predict; last, how well the true
frames predict them with the coil maps in the file. What is done lies in the store, so
that an interrupted table goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.open_scan import open_scan
from proxflow.operators.frame_sense import FrameSenseRadial
from proxflow.tasks.modalities.dynamic_mri.held_out import held_out_spokes

RECIPE = "dynamic-mri-red-psm"
HELD_OUT = 0.05  # of the spokes, as in the recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("dynamic-mri-table"))
    parser.add_argument("--set", action="append", default=[], help="as of proxflow compare")
    chosen = parser.parse_args()
    print(table([compared(seed, chosen.out / f"seed-{seed}", chosen.set) for seed in chosen.seeds]))
    errors = [f"{true_error(seed):.4f}" for seed in chosen.seeds]
    print(f"the true frames: {', '.join(errors)}")


def compared(seed: int, folder: Path, changes: list[str]) -> dict[str, Any]:
    """metrics.json of the recipe with its methods compared."""
    start = "from proxflow.flows.cli.main import main; main()"
    command = [sys.executable, "-c", start, "compare", RECIPE, "--out", str(folder)]
    for change in (f"evaluate.held_out_seed={seed}", *changes):
        command += ["--set", change]
    subprocess.run(command, check=True, stdout=sys.stderr)
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def true_error(seed: int) -> float:
    """||A x - y|| / ||y|| of the reference x on the held-out spokes: the noise."""
    scan = open_scan("sample://dynamic-mri-kidney").read([0])
    assert isinstance(scan, DynamicKSpace) and scan.trajectory is not None
    assert scan.coil_maps is not None and scan.reference is not None
    maps, y = torch.from_numpy(scan.coil_maps[0]), torch.from_numpy(scan.samples[0])
    views = np.ones(scan.trajectory.shape[:2], dtype=bool)
    held = torch.from_numpy(held_out_spokes(views, HELD_OUT, seed))
    operator = FrameSenseRadial(torch.from_numpy(scan.trajectory), maps, held)
    y = operator.masked(y)
    return float((operator.forward(torch.from_numpy(scan.reference[0])) - y).norm() / y.norm())


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

"""Methods for dynamic CT on the moving phantom: the table of docs/methods/red-psm.md.

    python -m benchmarks.red_psm_table [--motion waves] [--out FILE.json] [--seeds 0 1 2] [--methods ...]

One noisy view of each of 128 frames of 128 x 128 pixels, the authors' noise; three draws of it. The motion is
the authors' warp ("waves"), two breaths, or none: a contrast agent passes through. No method is given the
truth, and none of its numbers was chosen with it: methods stop by views held out, or by their own tolerance.
One case is told the number of breaths. What is done is kept in the file, so that an interrupted run goes on;
each case runs in a process of its own, whose peak memory is told.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

BREATHS_TOLD = "TD-DIP told the breaths"
CASES: dict[str, dict[str, Any]] = {
    "static": {"method": "static", "nonnegative": True},
    "frame-wise FBP": {"method": "framewise_fbp"},
    "frame-wise TV": {"method": "framewise_tv", "nonnegative": True},
    "PSM": {"method": "psm", "refit": False},
    "PSM, published xi and chi": {"method": "psm", "refit": False, "xi": 1e-6, "chi": 1e-6},
    "PSM + TV": {"method": "psm_tv", "refit": False},
    "TD-DIP": {"method": "td_dip", "mixed": True},  # ten thousand steps in float32 take hours
    BREATHS_TOLD: {"method": "td_dip", "mixed": True, "n_cycles": 2},
    "RED-PSM": {"method": "red_psm", "denoiser": "dncnn-ct", "refit": False},
}
COLUMNS = {"psnr": "PSNR dB", "ssim": "SSIM", "hfen": "HFEN", "projection_psnr": "unseen views dB"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("red-psm-table.json"))
    parser.add_argument("--motion", choices=("waves", "breathing", "contrast"), default="waves")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--methods", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--case", help=argparse.SUPPRESS)  # the process of one case
    chosen = parser.parse_args()
    if chosen.case:
        print(json.dumps(run_case(chosen.case, chosen.motion, chosen.seeds[0], chosen.frames)))
        return
    kept = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    methods = [name for name in chosen.methods if name != BREATHS_TOLD or chosen.motion == "breathing"]
    for seed in chosen.seeds:
        for case in methods:
            key = f"{case}, seed {seed}, {_of(chosen.motion, chosen.frames)}"
            if key not in kept:
                kept[key] = in_own_process(case, chosen.motion, seed, chosen.frames)
                chosen.out.write_text(json.dumps(kept, indent=1) + "\n")
                print(f"{key}: {kept[key]['cpu_seconds']:.0f} s, {kept[key]['psnr']:.2f} dB", file=sys.stderr)
    print(table(kept, _of(chosen.motion, chosen.frames)))


def _of(motion: str, n_frames: int) -> str:
    return f"{motion}, {n_frames} frames"


def in_own_process(case: str, motion: str, seed: int, n_frames: int) -> dict[str, Any]:
    """The figures of one case."""
    command = [sys.executable, "-m", "benchmarks.red_psm_table", "--case", case, "--motion", motion]
    command += ["--seeds", str(seed), "--frames", str(n_frames)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run_case(case: str, motion: str, seed: int, n_frames: int) -> dict[str, Any]:
    """Reconstruct, and judge by the truth: the image delivered, and the best that was on the way."""
    from benchmarks.series_problem import relative_scale, series_problem, solved
    from proxflow.models.dynamic.red_psm_state import RedPsmState
    from proxflow.tasks.memory import track_peak

    problem = series_problem(seed, n_frames, motion=motion)
    scale, on_the_way = relative_scale(problem), list[float]()

    def watch(_: Any, state: tuple[Any, ...]) -> None:
        if isinstance(state, RedPsmState):
            on_the_way.append(problem.psnr((state.f * scale).numpy()))

    peak, began = track_peak(), time.process_time()
    image, n_iter = solved(problem, CASES[case], watch)
    seconds = time.process_time() - began
    figures: dict[str, Any] = problem.figures(image)
    return figures | {
        "cpu_seconds": seconds,
        "peak_memory_bytes": peak(),
        "iterations": n_iter,
        "best_psnr_on_the_way": max(on_the_way, default=None),
    }


def table(kept: Mapping[str, Mapping[str, Any]], of: str) -> str:
    """Markdown: means over the seeds, and half the range of PSNR; ``of``: motion and frames."""
    head = [
        "method", *COLUMNS.values(), "best iterate dB", "iterations", "CPU seconds", "MiB"
    ]  # fmt: skip
    rows = [" | ".join(head), " | ".join("---" for _ in head)]
    for case in CASES:
        found = [
            one for key, one in kept.items() if key.startswith(f"{case}, seed") and key.endswith(f", {of}")
        ]
        if found:
            rows.append(" | ".join([case, *_cells(found)]))
    return "\n".join(f"| {row} |" for row in rows)


def _cells(found: list[Mapping[str, Any]]) -> list[str]:
    spread = (max(one["psnr"] for one in found) - min(one["psnr"] for one in found)) / 2
    cells = [f"{mean(one['psnr'] for one in found):.2f} ± {spread:.2f}"]
    cells += [f"{mean(one[name] for one in found):.4g}" for name in list(COLUMNS)[1:]]
    best = [one["best_psnr_on_the_way"] for one in found]
    cells.append("" if None in best else f"{mean(best):.2f}")
    cells += [f"{mean(one[name] for one in found):.0f}" for name in ("iterations", "cpu_seconds")]
    return [*cells, f"{mean(one['peak_memory_bytes'] for one in found) / 2**20:.0f}"]


if __name__ == "__main__":
    main()

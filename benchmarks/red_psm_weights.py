"""How the weights of RED-PSM for projections were chosen: by views held out, never by the truth.

    OMP_NUM_THREADS=1 python -m benchmarks.red_psm_weights [--frames 64] [--size 64] [--n-iter 120]
    OMP_NUM_THREADS=1 python -m benchmarks.red_psm_weights --ridge

One noisy view of each of 64 frames of 64 x 64 of the moving phantom, six functions of time. For each pair of
weights and each update of the factors: the least residual on held-out views, the iteration that had it, and
seconds. With --ridge the residual of the model alone, for each motion and several xi = chi.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from benchmarks.dynamic_phantom import MOTIONS
from benchmarks.series_problem import SeriesProblem, series_problem, solved

PAIRS = ((2e-4, 2e-4), (1e-3, 1e-3), (1e-3, 2e-4), (2e-4, 5e-5), (5e-4, 5e-5), (2e-4, 2e-5))
RIDGES = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3)
WITHOUT = 0.0  # lam of the model alone
SEED = 0  # of the noise


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--n-iter", type=int, default=120)
    parser.add_argument("--functions", type=int, default=6)
    parser.add_argument("--updates", nargs="+", choices=["adam", "cg"], default=["adam", "cg"])
    parser.add_argument("--ridge", action="store_true", help="try xi = chi, not lam and beta")
    chosen = parser.parse_args()
    if chosen.ridge:
        return ridges(chosen.frames, chosen.size, chosen.n_iter)
    problem = series_problem(SEED, chosen.frames, chosen.size)
    print("| update | lam | beta | held-out residual | of iteration | seconds |\n|---|---|---|---|---|---|")
    for update in chosen.updates:
        for lam, beta in ((WITHOUT, 2e-4), *PAIRS):
            method = {"method": "red_psm", "denoiser": "dncnn-ct:bfloat16", "lam": lam}
            method = method if lam else {"method": "psm"}
            config = method | {
                "beta": beta,
                "factor_update": update,
                "n_functions": chosen.functions,
                "n_knots": 9,
            }
            config |= {"n_iter": chosen.n_iter, "refit": False}
            began = time.monotonic()
            least, iteration = least_residual(problem, config)
            seconds = time.monotonic() - began
            print(
                f"| {update} | {lam:g} | {beta:g} | {least:.4f} | {iteration} | {seconds:.0f} |", flush=True
            )


def ridges(n_frames: int, size: int, n_iter: int) -> None:
    """The least residual on held-out views of PSM, a row for each motion, a column for each xi = chi."""
    print("| motion | " + " | ".join(f"{ridge:g}" for ridge in RIDGES) + " |\n" + "|---" * 6 + "|")
    for motion in MOTIONS:
        problem = series_problem(SEED, n_frames, size, motion)
        configs = [
            {"method": "psm", "xi": ridge, "chi": ridge, "n_iter": n_iter, "refit": False} for ridge in RIDGES
        ]
        cells = [f"{least_residual(problem, config)[0]:.4f}" for config in configs]
        print(f"| {motion} | " + " | ".join(cells) + " |", flush=True)


def least_residual(problem: SeriesProblem, config: dict[str, Any]) -> tuple[float, int]:
    """On held-out views, and of which iteration."""
    held = list[float]()

    def watch(report: Any, _: object) -> None:
        held.append(dict(report.figures)["held_out_residual"])

    solved(problem, config, watch)
    least = min(held)
    return least, held.index(least) + 1


if __name__ == "__main__":
    main()

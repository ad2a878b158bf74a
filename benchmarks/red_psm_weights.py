"""How the weights of RED-PSM for projections were chosen: by views held out, never by the truth.

    OMP_NUM_THREADS=1 python -m benchmarks.red_psm_weights [--frames 64] [--size 64] [--n-iter 120]

One noisy view of each of 64 frames of 64 x 64 of the moving phantom, six functions of time. For each pair of
weights and each update of the factors: the least residual on held-out views, the iteration that had it, and
seconds.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from benchmarks.series_problem import series_problem, solved

PAIRS = ((2e-4, 2e-4), (1e-3, 1e-3), (1e-3, 2e-4), (2e-4, 5e-5), (5e-4, 5e-5), (2e-4, 2e-5))
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
    chosen = parser.parse_args()
    problem = series_problem(SEED, chosen.frames, chosen.size)
    print("| update | lam | beta | held-out residual | of iteration | seconds |\n|---|---|---|---|---|---|")
    for update in chosen.updates:
        for lam, beta in ((WITHOUT, 2e-4), *PAIRS):
            method = {"method": "red_psm", "denoiser": "dncnn-ct:bfloat16", "lam": lam}
            method = method if lam else {"method": "psm"}
            config = method | {"beta": beta, "factor_update": update, "n_functions": chosen.functions}
            config |= {"n_iter": chosen.n_iter, "refit": False}
            began, held = time.monotonic(), list[float]()

            def watch(report: Any, _: object, held: list[float] = held) -> None:
                held.append(dict(report.figures)["held_out_residual"])

            solved(problem, config, watch)
            least, seconds = min(held), time.monotonic() - began
            print(
                f"| {update} | {lam:g} | {beta:g} | {least:.4f} | {held.index(least) + 1} | {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

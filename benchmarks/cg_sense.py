"""CG-SENSE, 30 iterations, against SigPy's SenseRecon on the same input.

    python -m benchmarks.cg_sense [--coils 8] [--size 320] [--repeats 20] [--threads N]

from the root of the repository. Both run all iterations (tol = 0) with the same lambda.
"""

from __future__ import annotations

import argparse

import numpy as np
import sigpy.mri
import torch

from benchmarks.interleaved import print_table, time_interleaved
from benchmarks.sense_problem import sense_problem
from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.scaling import data_scale
from proxflow.operators.cartesian_sense import CartesianSense

N_ITER, LAM = 30, 1e-2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--coils", type=int, default=8)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.coils} x {arguments.size}^2")
    for kind in ("points", "kx lines", "ky lines"):
        compare(kind, arguments)


def compare(kind: str, arguments: argparse.Namespace) -> None:
    """Check that both images agree, then print both times, set-up included."""
    x, mask, maps = sense_problem(arguments.coils, arguments.size, kind)
    operator = CartesianSense(mask, maps)
    y = operator.forward(x)
    y = y / data_scale(operator, y)
    y_array, maps_array, weights = y.numpy(), maps.numpy(), mask.numpy().astype(np.float32)

    def ours() -> torch.Tensor:
        return cg_sense(CartesianSense(mask, maps), y, n_iter=N_ITER, lam=LAM, tol=0.0).image

    def theirs() -> np.ndarray:
        app = sigpy.mri.app.SenseRecon(
            y_array, maps_array, lamda=LAM, weights=weights, max_iter=N_ITER, show_pbar=False
        )
        return app.run()

    image, expected = ours(), torch.from_numpy(theirs())
    error = float((image - expected).norm() / expected.norm())
    timings = time_interleaved({"proxflow": ours, "sigpy SenseRecon": theirs}, arguments.repeats)
    print_table(f"CG-SENSE, {N_ITER} iterations, mask of {kind}", timings, "proxflow")
    print(f"images differ by {error:.1e}, relative")


if __name__ == "__main__":
    main()

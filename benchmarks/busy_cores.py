"""What one other busy process does to two OpenMP threads, waiting by spinning and asleep.

    python -m benchmarks.busy_cores

Forty iterations of TV on 13 coils of 224 x 224 in a fresh process per line, while another process computes
on every core.
"""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import time, torch
from proxflow.models.methods.tv import tv
from proxflow.operators.cartesian_sense import CartesianSense
rng = torch.Generator().manual_seed(0)
maps = torch.randn(13, 224, 224, dtype=torch.complex64, generator=rng)
maps /= maps.abs().square().sum(0).sqrt()
A = CartesianSense(torch.rand(224, 224, generator=rng) < 0.25, maps)
y = A(torch.randn(224, 224, dtype=torch.complex64, generator=rng))
for _ in range(2):
    began = time.monotonic()
    tv(A, y, n_iter=40, tol=0, lam=1e-3)
print(f"{time.monotonic() - began:8.2f}")
"""


def main() -> None:
    run, spin = [sys.executable, "-c", CODE], [sys.executable, "-c", "while True: pass"]
    for machine in ("quiet", "busy"):
        others = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if machine == "busy" else []
        for policy in ("ACTIVE", "PASSIVE"):
            environment = {**os.environ, "OMP_WAIT_POLICY": policy}
            done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
            print(f"{machine:<6} machine, OMP_WAIT_POLICY={policy:<8} {done.stdout.strip()} s", flush=True)
        for other in others:
            other.kill()


if __name__ == "__main__":
    main()

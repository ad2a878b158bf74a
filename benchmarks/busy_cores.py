"""How OpenMP threads that wait behave beside other programs on the same cores.

    python -m benchmarks.busy_cores

Forty iterations of TV on 13 coils of 224 x 224, the second time in a fresh process per line; first on a
quiet machine, then beside two programs that compute FFTs with torch's default settings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

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
OTHER = """
import torch
a = torch.randn(13, 224, 224, dtype=torch.complex64)
while True: torch.fft.fft2(a)
"""
SETTINGS = (
    {},
    {"OMP_WAIT_POLICY": "PASSIVE"},
    {"GOMP_SPINCOUNT": "1000"},
    {"GOMP_SPINCOUNT": "10000"},
    {"GOMP_SPINCOUNT": "100000"},
    {"OMP_NUM_THREADS": "1"},
)


def main() -> None:
    for machine in ("quiet", "busy"):
        others = (
            [subprocess.Popen([sys.executable, "-c", OTHER]) for _ in range(2)] if machine == "busy" else []
        )
        time.sleep(3 * len(others))
        for setting in SETTINGS:
            name = " ".join(f"{key}={value}" for key, value in setting.items()) or "defaults"
            print(f"{machine:<6} {name:<26} {seconds(setting)} s", flush=True)
        for other in others:
            other.kill()


def seconds(setting: dict[str, str]) -> str:
    """Time of the second run in a fresh process, or that it was given up."""
    run = [sys.executable, "-c", CODE]
    try:
        done = subprocess.run(
            run, env={**os.environ, **setting}, capture_output=True, text=True, check=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        return "over 60"
    return done.stdout.strip()


if __name__ == "__main__":
    main()

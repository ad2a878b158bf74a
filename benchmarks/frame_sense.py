"""Radial MRI of a series: all frames on shared grids beside an operator per frame.

    python -m benchmarks.frame_sense [--frames 24] [--size 112] [--coils 4] [--spokes 6]

Milliseconds of one thread's own time for each frame, the least of several rounds taken in turn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from proxflow.operators.frame_sense import FrameSenseRadial
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.trajectories import radial_trajectory

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("frames", 24), ("size", 112), ("coils", 4), ("spokes", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    n, shape = given.size, (given.frames, given.spokes, 2 * given.size, 2)
    trajectory = radial_trajectory(given.frames * given.spokes, 2 * n, n).reshape(shape)
    maps, x = (torch.randn(k, n, n, dtype=torch.complex64) for k in (given.coils, given.frames))
    series = FrameSenseRadial(trajectory, maps)
    singles = [NonCartesianSense(points.flatten(0, 1), maps) for points in trajectory]
    y = series.forward(x)
    flat, still = y.flatten(-2), x[:1].expand_as(x)
    works: dict[str, Callable[[], object]] = {
        "series forward": lambda: series.forward(x),
        "series adjoint": lambda: series.adjoint(y),
        "series normal": lambda: series.normal(x),
        "series forward, one image": lambda: series.forward_of(still, slice(None)),
        "per frame forward": lambda: [one.forward(image) for one, image in zip(singles, x, strict=True)],
        "per frame adjoint": lambda: [one.adjoint(part) for one, part in zip(singles, flat, strict=True)],
        "per frame normal (convolution)": lambda: [
            one.normal(image) for one, image in zip(singles, x, strict=True)
        ],
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - began)
    for name, seconds in best.items():
        print(f"{name:32} {1e3 * seconds / given.frames:7.2f} ms a frame")


if __name__ == "__main__":
    main()

"""Which update of both factors lowers RED-PSM's objective sooner: conjugate gradients or Adam.

    OMP_NUM_THREADS=2 python -m benchmarks.factor_updates [--size 64] [--frames 64]

One projection per frame of ellipses that move, in bit-reversed order, with noise of 0.005 of the largest; 7
temporal functions on 9 knots; the coupling pulls to the mean of the start and of the truth, as it does on the
way. xi = chi = 0, so that both updates see the same objective whatever the scale of the factors. A pass is A
and A^H of every frame once; the start is that of ``polynomial_start``.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.data.schedules import bit_reversed
from proxflow.models.dynamic.adam import zero_moments
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.factor_updates import update_by_adam, update_by_cg
from proxflow.models.dynamic.polynomial_start import polynomial_start
from proxflow.models.dynamic.released_red_psm import RATE
from proxflow.models.dynamic.released_scale import PEAK
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.operator_norm import largest_frame_norm

FUNCTIONS, KNOTS, BETA, NOISE = 7, 9, 2e-4, 5e-3
Advance = Callable[[], tuple[Factors, float]]  # the next factors, and the passes that they took


def ellipses(n_frames: int, size: int) -> Tensor:
    """float32 (frame, y, x): a body with two inserts that grow and shift."""
    axis = torch.linspace(-1, 1, size)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    frames = []
    for t in torch.linspace(0, 2 * math.pi, n_frames):
        sway = 0.1 * torch.sin(t)
        body = ((rows / 0.6) ** 2 + (columns / 0.8) ** 2 < 1).float()
        lungs = [((rows - sway) / (0.3 + sway)) ** 2 + ((columns - c) / 0.25) ** 2 < 1 for c in (-0.35, 0.35)]
        frames.append(body - 0.6 * lungs[0].float() - 0.6 * lungs[1].float())
    return torch.stack(frames)


def posed(size: int, n_frames: int) -> tuple[FactorProblem, Factors, Tensor]:
    """The problem, its start, and v of the coupling."""
    f = ellipses(n_frames, size)
    whole = FrameProjections((size, size), bit_reversed(n_frames)[:, None], size)
    y = whole.forward(f)
    y = y + NOISE * y.max() * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    norm = largest_frame_norm(whole, dtype=torch.float32)
    operator = (1 / norm) * whole
    assert isinstance(operator, FrameProjections)
    scale = float(operator.adjoint(y).abs().max())
    basis = temporal_basis("spline", n_frames, KNOTS, dtype=torch.float32)
    problem = FactorProblem(operator, y / scale, basis, BETA)
    start = polynomial_start(operator, problem.y, basis, FUNCTIONS)
    factors = Factors(start.spatial, start.knots)
    return problem, factors, (f * norm / scale + problem.series(factors)) / 2


def by_cg(problem: FactorProblem, factors: Factors, v: Tensor, n_steps: int) -> Advance:
    state = factors

    def advance() -> tuple[Factors, float]:
        nonlocal state
        state = update_by_cg(problem, state, v, n_steps=n_steps)
        return state, 1 + n_steps + FUNCTIONS / 2

    return advance


def by_adam(problem: FactorProblem, factors: Factors, v: Tensor, peak: float) -> Advance:
    state, moments = factors, (zero_moments(factors.spatial), zero_moments(factors.knots))

    def advance() -> tuple[Factors, float]:
        nonlocal state, moments
        rates = (RATE * peak / PEAK, RATE)
        state, moments = update_by_adam(problem, state, v, moments, n_steps=25, rates=rates)
        return state, 25

    return advance


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--passes", type=int, default=150)
    arguments = parser.parse_args()
    problem, factors, v = posed(arguments.size, arguments.frames)
    peak = float(v.max())
    runs = {f"CG, {n} steps": by_cg(problem, factors, v, n) for n in (3, 5, 10, 20)}
    runs["Adam, 25 steps"] = by_adam(problem, factors, v, peak)
    print(f"start {problem.slope(factors, v).value:.5f}; objective after (passes, seconds):")
    for name, advance in runs.items():
        passes = seconds = 0.0
        found = []
        while passes < arguments.passes:
            began = time.perf_counter()
            state, taken = advance()
            seconds += time.perf_counter() - began
            passes += taken
            found.append(f"{problem.slope(state, v).value:.5f} ({passes:.0f}, {seconds:.2f})")
        shown = found if len(found) <= 6 else [*found[:3], *found[3 :: max(1, len(found) // 4)]]
        print(f"{name:>15}: " + "  ".join(shown))


if __name__ == "__main__":
    main()

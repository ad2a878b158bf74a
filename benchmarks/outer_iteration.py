"""What one outer iteration of RED-PSM costs, and how much of that is the denoiser.

    python -m benchmarks.outer_iteration [--threads 2] [--iterations 3] [--frames 128]

from the root of the repository: the moving phantom of 128 x 128 pixels, one view a frame, 7 functions on 9
knots. Against `red_psm` stands `dense_red_psm`, written as the code released with the method computes: the
dense operator [P, 2J, J^2] of float32 in its fastest product, autograd, torch's Adam, and the same network
in torch's usual order of memory over all frames at once.

Seconds are the least of the iterations after the first: by the clock, or, with one thread, computing time,
which means something on a machine that does other work too. The peak is what a run of that many iterations
takes above what the process held before it, set-up and start included. GFLOP/s count 2 operations a
multiplication with addition; their share is of the best 64 -> 64 convolution of the library, measured
before and after each case, in the case's precision.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.denoiser_rate import convolution_rate
from benchmarks.dense_red_psm import dense_red_psm, stacked
from benchmarks.dynamic_projections import DenseViews, held_bytes
from benchmarks.operator_row import peak_bytes, relative_error
from benchmarks.series_problem import series_problem
from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.dynamic.factor_problem import Factors
from proxflow.models.dynamic.released_scale import PEAK, disc
from proxflow.models.dynamic.series_denoiser import object_peak
from proxflow.models.dynamic.start_factors import start_factors
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.models.methods.red_psm import red_psm
from proxflow.models.methods.scaling import data_scale
from proxflow.operators.frame_projections import FrameProjections
from proxflow.tasks.denoisers import open_denoiser, open_network

NETWORK, FUNCTIONS, KNOTS, MIB = "dncnn-ct", 7, 9, 2**20
SMALL = 16  # frames on which both implementations are compared
DENSE, RELEASED = "dense operator, autograd", "released, 25 steps of Adam"
CASES: dict[str, dict[str, Any]] = {
    "textbook, 25 steps of Adam": {},
    "the same, network in bfloat16": {"bfloat16": True},
    "textbook, 10 steps of CG": {"factor_update": "cg"},
    RELEASED: {"semantics": "released", "lam": 2e-4, "beta": 2e-4},
}


class Posed(NamedTuple):
    """The phantom's problem in the scale of methods for series."""

    operator: FrameProjections
    y: Tensor
    gain: float  # times the operator has rays in pixels


class Cost(NamedTuple):
    """Of one case; ``image`` of its last iteration, in the case's unit."""

    name: str
    operator_bytes: int
    peak_bytes: int
    seconds: float
    denoiser_seconds: float
    gflops: float
    share: float
    image: Tensor


@dataclass
class Watch:
    """A denoiser that is timed, and the times at the ends of iterations."""

    denoise: Denoiser
    denoising: float = 0.0
    ends: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, images: Tensor) -> Tensor:
        began = clock()
        found = self.denoise(images)
        self.denoising += clock() - began
        return found

    def end(self, *_: object) -> None:
        self.ends.append((clock(), self.denoising))

    def least(self) -> tuple[float, float]:
        """Seconds of the fastest iteration but the first, and of those in the denoiser."""
        pairs = zip(self.ends[:-1], self.ends[1:], strict=True)
        return min((end - began, after - before) for (began, before), (end, after) in pairs)


def clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def posed(n_frames: int) -> Posed:
    problem = series_problem(0, n_frames)
    operator = (1 / problem.norm) * problem.operator
    assert isinstance(operator, FrameProjections)
    y = problem.y / data_scale(operator, problem.y)
    return Posed(operator, y, problem.norm / problem.pixel_mm)


def ours(case: Posed, watch: Watch, n_iter: int, **numbers: Any) -> Tensor:
    """The image of `red_psm`."""
    return red_psm(
        case.operator, case.y, denoiser=watch, n_iter=n_iter, n_functions=FUNCTIONS, n_knots=KNOTS,
        start="polynomial", held_out_fraction=0.0, tol=0.0, monitor=watch.end, **numbers,
    ).image  # fmt: skip


def dense(case: Posed, watch: Watch, n_iter: int, *, stack: bool = True) -> Tensor:
    """The image of `dense_red_psm`, in the unit of `ours`; without ``stack`` no view from behind is used."""
    angles, n = case.operator.angles_rad[:, 0], case.operator.n_columns
    basis = temporal_basis("spline", len(angles), KNOTS, dtype=torch.float32)
    support = disc((n, n))
    start = start_factors(
        case.operator, case.y, basis=basis, n_functions=FUNCTIONS, kind="polynomial", seed=0
    )
    spatial = start.spatial * support
    peak = object_peak(torch.einsum("tk,kyx->tyx", basis @ start.knots, spatial))
    unit = PEAK / peak
    g = case.gain * unit * case.y[:, 0]
    f = dense_red_psm(
        DenseViews(angles, n, stacked=stack),
        stacked(g) if stack else g,
        basis,
        support,
        Factors(unit * spatial, start.knots),
        watch,
        n_iter=n_iter,
        report=watch.end,
    )
    return f / unit


def plain_denoiser() -> Denoiser:
    """The network as one would write it down, for an object of the authors' peak."""
    network, trained = open_network(NETWORK)

    @torch.no_grad()
    def denoise(f: Tensor) -> Tensor:
        found: Tensor = network(f[:, None] * (trained / PEAK))[:, 0]
        return found * (PEAK / trained)

    return denoise


def library_rate(dtype: torch.dtype) -> float:
    return max(convolution_rate(dtype, channels_last=last) for last in (False, True))


def cost(name: str, case: Posed, n_iter: int) -> Cost:
    """Run one case, watched."""
    numbers = dict(CASES.get(name, {}))
    half = numbers.pop("bfloat16", False)
    dtype = torch.bfloat16 if half else torch.float32
    named = open_denoiser(f"{NETWORK}:bfloat16" if half else NETWORK)
    watch, images = Watch(plain_denoiser() if name == DENSE else named), list[Tensor]()

    def run() -> None:
        found = dense(case, watch, n_iter) if name == DENSE else ours(case, watch, n_iter, **numbers)
        images.append(found)

    before = library_rate(dtype)
    peak = peak_bytes(run)
    rate = max(before, library_rate(dtype))
    seconds, denoising = watch.least()
    network, _ = open_network(NETWORK)
    macs = sum(part.numel() for part in network.parameters() if part.ndim == 4)
    gflops = 2 * macs * images[0].numel() / denoising / 1e9
    frames, n = case.operator.n_frames, case.operator.n_columns
    held = frames * 2 * n * n**2 * 4 if name == DENSE else held_bytes(case.operator)
    return Cost(name, held, peak or 0, seconds, denoising, gflops, gflops / rate, images[0])


def agreement(case: Posed) -> float:
    """Relative difference of the released semantics from its dense form; compiles what the cases need."""
    ours(case, Watch(open_denoiser(NETWORK)), 1)
    released = ours(case, Watch(open_denoiser(NETWORK)), 2, **CASES[RELEASED])
    return relative_error(released, dense(case, Watch(plain_denoiser()), 2, stack=False))


def line(found: Cost, against: Cost) -> str:
    cells = [
        found.name,
        f"{found.operator_bytes / MIB:.3g}",
        f"{found.peak_bytes / MIB:.0f}",
        f"{found.seconds:.2f}",
        f"{against.seconds / found.seconds:.2f} x",
        f"{found.denoiser_seconds:.2f} ({found.denoiser_seconds / found.seconds:.0%})",
        f"{found.seconds - found.denoiser_seconds:.2f}",
        f"{found.gflops:.0f} ({found.share:.0%})",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--frames", type=int, default=128)
    asked = parser.parse_args()
    if asked.iterations < 2:
        parser.error(f"--iterations must be at least 2, got {asked.iterations}")
    torch.set_num_threads(asked.threads)
    same = agreement(posed(SMALL))
    case = posed(asked.frames)
    found = {name: cost(name, case, asked.iterations) for name in (*CASES, DENSE)}
    kind = "computing time" if asked.threads == 1 else "by the clock"
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"torch {torch.__version__}, {asked.threads} thread(s), seconds {kind}, load {loads}")
    print(f"{asked.frames} frames of 128 x 128, {asked.iterations} iterations\n")
    print("| | operator MiB | peak MiB | s | dense over it | in the denoiser s | the rest s | its GFLOP/s |")
    print("|---|---|---|---|---|---|---|---|")
    for one in found.values():
        print(line(one, found[DENSE]))
    away = relative_error(found[RELEASED].image, found[DENSE].image)
    print(f"\nimages of the released semantics and the dense operator are {away:.1%} apart;")
    print(f"without the views from behind, at {SMALL} frames, {same:.1e}")


if __name__ == "__main__":
    main()

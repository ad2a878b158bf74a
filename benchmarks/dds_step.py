"""What a step of `dds` costs: network, data consistency, the rest; SigPy's, the library's rates, a run's own.

    OMP_NUM_THREADS=1 python -m benchmarks.dds_step [--size 320] [--coils 8] [--levels 8] [--official]

1. Seconds of a step with the small network of `train-diffusion`, random weights, complex images as two
   channels, proximal consistency by five steps of conjugate gradients, lines along y kept (R about 4). The
   rest is noise, recombination and what is reported. The fastest step counts, of those that draw noise.
2. Data consistency with three kinds of masks, beside the same loop of SigPy's operators and its conjugate
   gradients, from the same image; and the limit, FFTs alone: lines of 12 applications of a coil, or planes.
3. A run of a recipe with that network, a bar drawn, beside the function; and what is left in the run of a
   step once its method is done: reports and, every 30 s by default, a checkpoint.
4. GFLOP/s of the network, which counts 2 operations a multiplication with addition (convolutions and
   products), beside the best 3 x 3 convolution of the library, 64 or 128 channels, either order of memory.
   With --official also the 361 million weights of the published network at 320 x 320, called once: about a
   minute, 4 GiB.

Contenders take turns, and results are compared before they are timed. Seconds are the least of a few: by the
clock or, with one thread, computing time, which means something on a busy machine too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.dds_forms import (
    GAMMA,
    N_CG,
    WatchedSampler,
    clock_of,
    posed,
    random_unet,
    sigpy_consistency,
    small_prior,
)
from benchmarks.dds_pipeline import overhead
from benchmarks.denoiser_rate import convolution_rate
from benchmarks.interleaved import time_interleaved
from benchmarks.machine_limits import fft_limit, line_fft_limit
from proxflow.models.diffusion.data_consistency import ProximalConsistency
from proxflow.models.diffusion.noise_levels import vp_levels
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.diffusion_settings import OFFICIAL_MRI_320, SMALL
from proxflow.models.networks.diffusion_unet import DiffusionUnet

Clock = Callable[[], float]
REPEATS, SECONDS_EACH = 10, 3.0
CALLS = 5  # of the small network
AGREE = 1e-5  # relative, of images
TRANSFORMS = 2 * (N_CG + 1)  # of a coil: forward and back, once for the start, once a step
DEFAULT_SAVING = 30.0  # seconds between checkpoints of a run
TIME = 500.0


def step_table(size: int, coils: int, n_levels: int, clock: Clock) -> Iterator[str]:
    steps = WatchedSampler(posed(coils, size), small_prior(SMALL), clock).steps(n_levels)
    best = min(steps, key=lambda step: step.whole)
    yield "| a step, small network | s | share |"
    yield "|---|---|---|"
    parts = ("network", best.network), ("data consistency", best.consistency), ("the rest", best.rest)
    for name, seconds in (*parts, ("whole", best.whole)):
        yield f"| {name} | {seconds:.4f} | {seconds / best.whole:.1%} |"


def consistency_table(size: int, coils: int, clock: Clock) -> Iterator[str]:
    yield f"| data consistency, CG {N_CG}, mask of | ours ms | SigPy ms | | FFTs alone ms | apart |"
    yield "|---" * 6 + "|"
    noise = torch.randn(size, size, dtype=torch.complex64, generator=torch.Generator().manual_seed(2))
    for kind in ("kx lines", "ky lines", "points"):
        problem = posed(coils, size, kind)
        b = problem.operator.adjoint(problem.y)
        denoised = b + 0.1 * noise
        own = ProximalConsistency(problem.operator, b, gamma=GAMMA, n_cg=N_CG)
        other = sigpy_consistency(problem, b.numpy())
        level, array = vp_levels()[int(TIME)], denoised.numpy()
        image, expected = own(denoised, level).image, torch.from_numpy(other(array))
        apart = float((image - expected).norm() / expected.norm())
        if not apart < AGREE:
            raise RuntimeError(f"images must agree to {AGREE:g}, got {apart:.1e}")
        limit = (
            fft_limit(TRANSFORMS, coils, (size, size), "")
            if kind == "points"
            else line_fft_limit(TRANSFORMS, coils, (size, size))
        )
        calls: dict[str, Callable[[], object]] = {
            "ours": partial(own, denoised, level),
            "sigpy": partial(other, array),
            "limit": limit.call,
        }
        best = time_interleaved(calls, REPEATS, seconds=SECONDS_EACH, clock=clock)
        ours, theirs, least = (best[name].best for name in calls)
        yield (f"| {kind} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} x | {least:.1f} | {apart:.0e} |")


def pipeline_table(size: int, coils: int, n_levels: int, clock: Clock) -> Iterator[str]:
    found = overhead(SMALL, clock, n_coils=coils, n=size, n_levels=n_levels)
    every = max(found.run, 1e-9) / DEFAULT_SAVING  # checkpoints a step
    own = found.monitor + every * (found.saving - found.monitor)
    yield "| a step | s | of the function's |"
    yield "|---|---|---|"
    rows = {
        "the function alone": found.alone,
        "in a run": found.run,
        "of it after the method: reports and a bar": found.monitor,
        "the same with a checkpoint": found.saving,
        f"own cost, a checkpoint every {DEFAULT_SAVING:.0f} s": own,
    }
    for name, seconds in rows.items():
        yield f"| {name} | {seconds:.4f} | {seconds / found.alone:.2%} |"
    yield f"\nimages of run and function are {found.apart:.0e} apart"


def network_table(size: int, official: bool, clock: Clock) -> Iterator[str]:
    yield "| network | GFLOP | s | GFLOP/s | of the best convolution |"
    yield "|---" * 5 + "|"
    rates = [
        convolution_rate(torch.float32, channels_last=last, n=n) for n in (64, 128) for last in (False, True)
    ]
    best = max(rates)
    yield f"| convolution | | | {best:.0f} | |"
    for name, settings, repeats in (("small", SMALL, CALLS), ("official", OFFICIAL_MRI_320, 1)):
        if name == "official" and not official:
            continue
        flops, seconds = forward(channels_last(random_unet(settings)), size, repeats, clock)
        rate = flops / seconds / 1e9
        yield f"| {name} | {flops / 1e9:.1f} | {seconds:.3f} | {rate:.0f} | {rate / best:.0%} |"


@torch.no_grad()
def forward(network: DiffusionUnet, size: int, repeats: int, clock: Clock) -> tuple[int, float]:
    """Operations of a forward, and the least of its seconds."""
    x = torch.randn(1, network.settings.in_channels, size, size).contiguous(memory_format=torch.channels_last)
    t, seconds = torch.tensor([TIME]), []
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        DiffusionUnet(network.settings)(x.to("meta"), t.to("meta"))
    for _ in range(repeats):
        began = clock()
        network(x, t)
        seconds.append(clock() - began)
    return counter.get_total_flops(), min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--coils", type=int, default=8)
    parser.add_argument("--levels", type=int, default=8, help="noise levels of the runs that are timed")
    parser.add_argument("--official", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    clock = clock_of(asked.threads)
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    what = f"{asked.coils} coils, {asked.size}^2"
    print(f"torch {torch.__version__}, {asked.threads} thread(s), {what}, load {loads}")
    tables = (
        step_table(asked.size, asked.coils, asked.levels, clock),
        consistency_table(asked.size, asked.coils, clock),
        pipeline_table(asked.size, asked.coils, asked.levels, clock),
        network_table(asked.size, asked.official, clock),
    )
    for table in tables:
        print()
        for line in table:
            print(line, flush=True)


if __name__ == "__main__":
    main()

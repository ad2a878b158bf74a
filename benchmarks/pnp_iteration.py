"""What an iteration of plug-and-play on the magnitude costs, beside a dense matrix and conjugate gradients.

    OMP_NUM_THREADS=1 python -m benchmarks.pnp_iteration [--frequencies 20] [--iterations 400 --whole soft]

One held-out scene at 30 dB, 12 x 13 antennas, 49 x 25 x 25 voxels. `DensePnp` holds A as one matrix and takes
five steps of conjugate gradients an iteration, as the authors' code does, in their complex128 and in
complex64; ours keep the factors of A (complex64) and solve the least squares by the same five steps or by
Woodbury's factor. All start from the same image and do the same iteration, with a soft threshold and with the
network as prior; their images after `--iterations` are compared with those of complex128. The dense form
applies the network in torch's usual order of memory, ours with channels last.

Contenders take turns. Seconds are the least of a few calls: by the clock, or, with one thread, those that
the thread computed, which means something on a busy machine too. Real flops and bytes are counted for the
data side of an iteration, of factors or matrix alone; the limit is the larger of flops at the rate of a
large matrix product and bytes at the rate of a long sum, both measured in turn with the rest. With CUDA at
hand the same follows there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.dense_pnp import CG_STEPS
from benchmarks.interleaved import time_interleaved
from benchmarks.machine_limits import SIDE, STREAMED
from benchmarks.pnp_forms import Contender, Prior, Priors, dense, ours, scaled_matrix, scaled_problem, soft
from proxflow.models.solvers.data_step import DataUpdate
from proxflow.operators.base import LinearOperator
from proxflow.operators.mills_cross import mills_cross

TOLERANCE = 5e-4
SETTLE = 2  # iterations before the one that is timed
REPEATS, SECONDS_EACH = 10, 6.0
REAL_FLOPS = 8  # of a complex multiplication with addition
UPDATES: dict[str, DataUpdate] = {"ours, Woodbury": "woodbury", "ours, CG": "cg"}
DENSE = {"dense, complex128": torch.complex128, "dense, complex64": torch.complex64}
REFERENCE = "dense, complex128"
NAMES = (*UPDATES, *DENSE)
KINDS = ("soft", "network")


def timed(call: Callable[[], Any], clock: Callable[[], float]) -> tuple[Any, float]:
    began = clock()
    found = call()
    return found, clock() - began


def settled(contender: Contender) -> Any:
    state = contender.begin()
    for _ in range(SETTLE):
        state = contender.step(state)
    return state


def whole(contender: Contender, n_iter: int) -> tuple[Tensor, int]:
    """The image after ``n_iter`` iterations, or once |s| changes by less than the tolerance; and how many."""
    state = contender.begin()
    for k in range(n_iter):
        state = contender.step(state)
        if k and contender.change(state) < TOLERANCE:
            break
    return contender.image(state), k + 1


def data_side(name: str, operator: LinearOperator) -> tuple[float, float, float]:
    """Real flops and bytes of an iteration, and bytes held."""
    (f, t, r), n = operator.range_shape, 1
    for size in operator.domain_shape:
        n *= size
    m = f * t * r
    applications = 2 * (CG_STEPS + 2)  # forwards and adjoints of conjugate gradients, right side and A s
    if name in DENSE:
        held = m * n * DENSE[name].itemsize
        return REAL_FLOPS * applications * m * n, applications * held, held
    held, products = f * (t + r) * n * 8, m * n + f * t * n
    if UPDATES[name] == "cg":
        return REAL_FLOPS * applications * products, applications * held, held
    return REAL_FLOPS * (2 * products + m**2), 2 * held + 8 * m**2, held + 8 * m**2


def machine_calls(device: str) -> dict[str, Callable[[], object]]:
    """What the limits are taken from: products of two precisions, and a sum over what no cache holds."""
    a, b = (torch.ones(SIDE, SIDE, dtype=dtype, device=device) for dtype in reversed(DENSE.values()))
    stream = torch.ones(STREAMED // 4, device=device)
    return {"complex64": lambda: a @ a, "complex128": lambda: b @ b, "stream": stream.sum}


def limit(name: str, operator: LinearOperator, seconds: dict[str, float]) -> float:
    flops, size, _ = data_side(name, operator)
    precision = "complex128" if name == "dense, complex128" else "complex64"
    of_flops = flops / (REAL_FLOPS * SIDE**3) * seconds[precision]
    return max(of_flops, size / STREAMED * seconds["stream"])


def bench(device: str, asked: argparse.Namespace) -> Iterator[str]:
    """Lines of the tables."""
    clock = time.process_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter

    def synced(call: Callable[[], Any]) -> Callable[[], Any]:
        return call if device == "cpu" else lambda: (call(), torch.cuda.synchronize())[0]

    problem, priors = scaled_problem(asked.frequencies, device), Priors.opened(asked.denoiser, device)
    _, factors = timed(synced(lambda: mills_cross(asked.frequencies).forward(problem.start)), clock)
    matrices, set_up = {}, {}
    for name, dtype in DENSE.items():
        matrices[name], set_up[name] = timed(synced(partial(scaled_matrix, problem, dtype)), clock)
    sides: dict[str, tuple[Prior, Prior]] = {"soft": (soft, soft), "network": (priors.ours, priors.dense)}
    contenders: dict[tuple[str, str], Contender] = {}
    for kind, (own, plain) in sides.items():
        for name, update in UPDATES.items():
            contenders[name, kind], more = timed(synced(partial(ours, problem, update, own)), clock)
            set_up[name] = factors + more
        for name, matrix in matrices.items():
            contenders[name, kind] = dense(problem, matrix, plain)
    calls = {}
    for (name, kind), contender in contenders.items():
        calls[f"{name}|{kind}"] = synced(partial(contender.step, settled(contender)))
    magnitude = problem.start.abs()
    calls["network, ours"] = synced(partial(priors.ours, magnitude))
    calls["network, dense"] = synced(partial(priors.dense, magnitude))
    calls |= {name: synced(call) for name, call in machine_calls(device).items()}
    timings = time_interleaved(calls, REPEATS, seconds=SECONDS_EACH, clock=clock)
    best = {name: timing.best / 1e3 for name, timing in timings.items()}
    yield from iteration_table(problem.operator, best)
    yield ""
    yield from whole_table(contenders, set_up, asked, clock, synced)


def iteration_table(operator: LinearOperator, best: dict[str, float]) -> Iterator[str]:
    head = ("", "s, soft threshold", "the limit of its data side", "GFLOP", "GB read", "MiB held")
    yield f"| {' | '.join(head)} | s, network | in the network | ours is faster: soft | network |"
    yield "|---" * 10 + "|"
    for name in NAMES:
        flops, size, held = data_side(name, operator)
        soft_s, network_s = best[f"{name}|soft"], best[f"{name}|network"]
        share = best["network, dense" if name in DENSE else "network, ours"] / network_s
        times = [best[f"{name}|{kind}"] / best[f"ours, Woodbury|{kind}"] for kind in KINDS]
        cells = [
            *(name, f"{soft_s:.4f}", f"{limit(name, operator, best):.4f}", f"{flops / 1e9:.2f}"),
            *(f"{size / 1e9:.2f}", f"{held / 2**20:.0f}", f"{network_s:.4f}", f"{share:.0%}"),
            *(f"{ratio:.1f} x" for ratio in times),
        ]
        yield f"| {' | '.join(cells)} |"
    rates = [f"{precision} {REAL_FLOPS * SIDE**3 / best[precision] / 1e9:.0f} GFLOP/s" for precision in
             ("complex64", "complex128")]  # fmt: skip
    yield f"\nLarge products: {', '.join(rates)}; a sum: {STREAMED / best['stream'] / 1e9:.1f} GB/s."


def whole_table(
    contenders: dict[tuple[str, str], Contender],
    set_up: dict[str, float],
    asked: argparse.Namespace,
    clock: Callable[[], float],
    synced: Callable[[Callable[[], Any]], Callable[[], Any]],
) -> Iterator[str]:
    yield "| prior | | set-up s | iterations | s | with set-up, times ours | differs from complex128 |"
    yield "|---" * 7 + "|"
    for kind in asked.whole:
        found = {}
        for name in NAMES:
            found[name] = timed(synced(partial(whole, contenders[name, kind], asked.iterations)), clock)
        truth = found[REFERENCE][0][0].to(torch.complex128)
        fastest = set_up[NAMES[0]] + found[NAMES[0]][1]
        for name, ((image, count), seconds) in found.items():
            off = float((image - truth).norm() / truth.norm())
            cells = (kind, name, f"{set_up[name]:.1f}", str(count), f"{seconds:.2f}")
            yield f"| {' | '.join(cells)} | {(set_up[name] + seconds) / fastest:.1f} | {off:.1e} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frequencies", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=30, help="of whole runs, at most")
    parser.add_argument("--whole", nargs="+", choices=KINDS, default=KINDS, help="priors of whole runs")
    parser.add_argument("--denoiser", default="unet3d-radar")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        print(f"\n{device}, F = {asked.frequencies}\n")
        for line in bench(device, asked):
            print(line, flush=True)


if __name__ == "__main__":
    main()

"""Whether `torch.compile` pays for the U-Net of diffusion priors, compiling included.

    OMP_NUM_THREADS=1 TORCHINDUCTOR_COMPILE_THREADS=1 python -m benchmarks.compiled_network [--sizes 64 128]
        [--frozen]

The small network of `train-diffusion` with random weights sees one complex image, channels last, without
gradients, as `dds` gives it. Compiled with inductor as one graph and for this very shape, in an empty cache;
then once more from the cache that this has left, as a later process would that is given the same shape.
`--frozen` makes weights constants of the graph, which may be laid out for the convolution library beforehand.

Seconds are computing time of this process and of the C++ compilers that it started, which means something on
a busy machine too, with one thread. Contenders take turns, and what they return is compared before: the
largest difference, relative to the largest value. 50 steps: of `dds`, without its data consistency. Calls
until it pays: compiling, divided by what a call gains; none if it gains nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.dds_forms import clock_of, random_unet
from benchmarks.interleaved import time_interleaved
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.diffusion_settings import SMALL
from proxflow.models.networks.diffusion_unet import DiffusionUnet

SIZES = (64, 128)
REPEATS, STEPS = 15, 50
TIME = 500.0
AGREE = 1e-3  # relative; sums of other orders, through thirty convolutions

Network = Callable[[Tensor, Tensor], Tensor]


class Row(NamedTuple):
    """Seconds of a call either way, of compiling, and of compiling from a cache; ``apart``: relative."""

    eager: float
    compiled: float
    compiling: float
    from_cache: float
    apart: float

    @property
    def pays_after(self) -> float:
        """Calls; infinity where a call gains nothing."""
        gain = self.eager - self.compiled
        return self.compiling / gain if gain > 0 else float("inf")


@torch.no_grad()
def measured(size: int, frozen: bool) -> Row:
    network = channels_last(random_unet(SMALL))
    x = torch.randn(1, SMALL.in_channels, size, size, generator=torch.Generator().manual_seed(1))
    x, t = x.contiguous(memory_format=torch.channels_last), torch.tensor([TIME])
    expected = network(x, t)
    _, compiling = compiled(network, x, t, frozen)
    found, from_cache = compiled(network, x, t, frozen)
    apart = float((found(x, t) - expected).abs().max() / expected.abs().max())
    if not apart < AGREE:
        raise RuntimeError(f"results must agree to {AGREE:g}, got {apart:.1e}")
    calls: dict[str, Callable[[], object]] = {
        "eager": partial(network, x, t),
        "compiled": partial(found, x, t),
    }
    best = time_interleaved(calls, REPEATS, clock=clock_of(torch.get_num_threads()))
    eager, faster = (best[name].best / 1e3 for name in calls)
    return Row(eager, faster, compiling, from_cache, apart)


def compiled(network: DiffusionUnet, x: Tensor, t: Tensor, frozen: bool) -> tuple[Network, float]:
    """The network compiled for these shapes, and the computing time of it and its first call."""
    torch.compiler.reset()
    began = _computed()
    found: Network = torch.compile(network, fullgraph=True, dynamic=False, options={"freezing": frozen})
    found(x, t)
    return found, _computed() - began


def _computed() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--frozen", action="store_true")
    asked = parser.parse_args()
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "g++", "clang++"))):
        parser.error("a C++ compiler must be installed, found neither g++ nor clang++")
    torch.set_num_threads(1)
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"torch {torch.__version__}, 1 thread, {'frozen' if asked.frozen else 'plain'}, load {loads}\n")
    print(
        "| pixels | eager ms | compiled ms | | compiling s | from its cache s | 50 steps eager s | "
        "compiled s | pays after calls | apart |"
    )
    print("|---" * 10 + "|")
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
            row = measured(size, asked.frozen)
        print(
            f"| {size} | {1e3 * row.eager:.1f} | {1e3 * row.compiled:.1f} | "
            f"{row.compiled / row.eager:.2f} x | {row.compiling:.0f} | {row.from_cache:.0f} | "
            f"{STEPS * row.eager:.1f} | {row.compiling + STEPS * row.compiled:.1f} | "
            f"{row.pays_after:.0f} | {row.apart:.0e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

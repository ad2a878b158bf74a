"""How near the denoiser runs to what the convolution library gives: a table of rates on this machine.

    OMP_NUM_THREADS=1 python -m benchmarks.denoiser_rate --frames 64

Rates count 2 operations a multiplication with addition. With one thread they count the time it computed, so
that they mean something on a machine that does other work too; with more, the time by the clock. The
library's own rates: a 64 -> 64 convolution applied again and again to four images, and a matrix product.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.networks.dncnn import DnCNN
from proxflow.tasks.denoisers import open_network

SIZE, REPEATS = 128, 5
CONVOLUTION_IMAGES = 4  # as in the batches that are fastest
MATRIX = 1024


class Row(NamedTuple):
    """One line of the table; ``error`` against float32, as a part of the peak: (rms, largest)."""

    name: str
    gflops: float
    seconds_per_frame: float | None = None
    error: tuple[float, float] | None = None


def seconds_of(work: Callable[[], object]) -> float:
    """The least of several, after one that warms up; computed time where one thread computes."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    work()
    found = []
    for _ in range(REPEATS):
        began = clock()
        work()
        found.append(clock() - began)
    return min(found)


@torch.no_grad()
def convolution_rate(dtype: torch.dtype, *, channels_last: bool, n: int = 64) -> float:
    """GFLOP/s of a 3 x 3 convolution n -> n."""
    order = torch.channels_last if channels_last else torch.contiguous_format
    convolution = nn.Conv2d(n, n, 3, padding=1).to(dtype).to(memory_format=order)  # type: ignore[call-overload]
    x = torch.rand(CONVOLUTION_IMAGES, n, SIZE, SIZE).to(dtype).contiguous(memory_format=order)
    operations = 2 * n * n * 9 * SIZE * SIZE * CONVOLUTION_IMAGES
    return operations / seconds_of(lambda: convolution(x)) / 1e9


def product_rate(dtype: torch.dtype) -> float:
    """GFLOP/s of a matrix product."""
    a = torch.rand(MATRIX, MATRIX).to(dtype)
    return 2 * MATRIX**3 / seconds_of(lambda: a @ a) / 1e9


def denoiser_rows(network: DnCNN, images: Tensor) -> list[Row]:
    """The denoiser as it is used, in float32 and bfloat16."""
    macs = sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 4)
    operations = 2 * macs * images.numel()
    rows = []
    exact = NetworkDenoiser(network)
    for name, denoiser in (("float32", exact), ("bfloat16", NetworkDenoiser(network, mixed=True))):
        seconds = seconds_of(lambda denoiser=denoiser: denoiser(images))  # type: ignore[misc]
        away = denoiser(images) - exact(images)
        error = float(away.square().mean().sqrt()), float(away.abs().max())
        rows.append(Row(f"denoiser, {name}", operations / seconds / 1e9, seconds / len(images), error))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Rates of the denoiser and of the convolution library.")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--network", default="dncnn-ct")
    asked = parser.parse_args()
    network, _ = open_network(asked.network)
    images = _smooth(asked.frames) + 0.02 * torch.randn(asked.frames, SIZE, SIZE)
    rows = [
        Row(
            f"convolution 64 -> 64, {name}{', channels last' if last else ''}",
            convolution_rate(dtype, channels_last=last),
        )
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
        for last in (False, True)
    ]
    rows += [
        Row(f"matrix product, {n}", product_rate(d))
        for n, d in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
    ]
    best = {"float32": max(row.gflops for row in rows[:2]), "bfloat16": max(row.gflops for row in rows[2:4])}
    print(f"{torch.get_num_threads()} thread(s), {asked.frames} frames of {SIZE} x {SIZE}\n")
    print("| what | GFLOP/s | of the convolution | s a frame | off float32, rms (largest), of the peak |")
    print("|---|---|---|---|---|")
    for row in rows + denoiser_rows(network, images):
        share = row.gflops / best["bfloat16" if "bfloat16" in row.name else "float32"]
        frame = "" if row.seconds_per_frame is None else f"{row.seconds_per_frame:.4f}"
        error = "" if row.error is None else f"{row.error[0]:.1e} ({row.error[1]:.1e})"
        print(f"| {row.name} | {row.gflops:.0f} | {share:.0%} | {frame} | {error} |")


def _smooth(n: int) -> Tensor:
    """Ellipses with a peak of 1."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="ij")
    widths = torch.linspace(0.5, 0.9, n)[:, None, None]
    return ((x / widths) ** 2 + y**2 / 0.8 < 1) * (0.7 + 0.3 * torch.cos(5 * x * y))


if __name__ == "__main__":
    main()

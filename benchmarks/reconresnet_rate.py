"""Slices a second of ReconResNet, and how near its network runs to what the convolution library gives.

    python -m benchmarks.reconresnet_rate --threads 2 [--network FILE] [--released]

1. The library's rates on this machine: the best 3 x 3 convolution of 64 to 64 or 128 to 128 channels, in
   either order of memory, and a matrix product.
2. A slice of 192 x 192 and one of 256 x 256 through the network as it is used, float32: slices a second, and
   operations a second, 2 a multiplication with addition, of convolutions alone, beside both rates.
3. The same with all of the method: the zero-filled image, its phase, the unit, the fit to one coil's samples.

Without --network weights are random, in the sizes that `train-reconresnet` has by default; --released adds
the published sizes, 146 GFLOP for 256 x 256. The library is timed before and after the networks, and its
better rate counts, so that other work on the machine does not flatter them. Seconds are the least of a few:
by the clock or, with one thread, computing time, which means something on a busy machine too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.dds_forms import clock_of
from benchmarks.denoiser_rate import convolution_rate, product_rate
from benchmarks.interleaved import time_interleaved
from proxflow.configs.reconresnet_training import ReconResNetTraining
from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.methods.reconresnet import reconresnet
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import RELEASED, ReconResNetSettings
from proxflow.models.networks.unet2d import UNet2d
from proxflow.tasks.artefact_networks import open_reconresnet
from proxflow.tasks.reconresnet_training.patterns import pattern_of

SIZES, CHANNELS = (192, 256), (64, 128)
REPEATS, SECONDS_EACH = 10, 4.0
PATTERN = "lines30"


class Rates(NamedTuple):
    """GFLOP/s of the best convolution and of a matrix product."""

    convolution: float
    product: float


class Row(NamedTuple):
    """flops: of the network for one slice.  network, method: seconds."""

    name: str
    flops: int
    network: float
    method: float


def library_rates() -> Rates:
    """Of this moment, float32."""
    found = [
        convolution_rate(torch.float32, channels_last=last, n=n) for n in CHANNELS for last in (False, True)
    ]
    return Rates(max(found), product_rate(torch.float32))


def operations(network: nn.Module, size: int) -> int:
    """Of the convolutions for a slice of ``size`` x ``size``; nothing is computed, the network stays."""
    image = torch.zeros(1, 1, size, size, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        deepcopy(network).eval().to("meta")(image)
    return int(counter.get_total_flops())


def measured(name: str, network: nn.Module, size: int, clock: Callable[[], float]) -> Row:
    """The network and the method, in turns."""
    operator = pattern_of(PATTERN, size)(0)
    image = torch.rand(size, size)
    calls = {
        "network": partial(NetworkDenoiser(network), image[None]),
        "method": partial(reconresnet, operator, operator.forward(image + 0j), network=network),
    }
    found = time_interleaved(calls, REPEATS, seconds=SECONDS_EACH, clock=clock)
    seconds = {call: timing.best / 1e3 for call, timing in found.items()}
    return Row(f"{name}, {size} x {size}", operations(network, size), seconds["network"], seconds["method"])


def table(rows: list[Row], rates: Rates) -> str:
    """Markdown."""
    lines = [
        "| network | GFLOP | slices/s | GFLOP/s | of the convolution | of the product | slices/s, method |",
        "|---" * 7 + "|",
    ]
    for row in rows:
        rate = row.flops / row.network / 1e9
        lines.append(
            f"| {row.name} | {row.flops / 1e9:.1f} | {1 / row.network:.2f} | {rate:.0f} | "
            f"{rate / rates.convolution:.0%} | {rate / rates.product:.0%} | {1 / row.method:.2f} |"
        )
    return "\n".join(lines)


def networks(asked: argparse.Namespace) -> dict[str, ReconResNet | UNet2d]:
    """By name; random weights are as fast as others."""
    if asked.network:
        found: dict[str, ReconResNet | UNet2d] = {asked.network: open_reconresnet(asked.network)}
    else:
        config = ReconResNetTraining(architecture="reconresnet")
        sizes = ReconResNetSettings(n_blocks=config.residual.blocks, width=config.channels)
        found = {"default sizes": ReconResNet(sizes)}
    return found | ({"published sizes": ReconResNet(RELEASED)} if asked.released else {})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", help="reconresnet-mri, unet-mri or a file of weights")
    parser.add_argument("--released", action="store_true", help="the published sizes, too")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    clock = clock_of(asked.threads)
    before = library_rates()
    rows = [measured(name, one, size, clock) for name, one in networks(asked).items() for size in SIZES]
    rates = Rates(*map(max, zip(before, library_rates(), strict=True)))
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"torch {torch.__version__}, {asked.threads} thread(s), load {loads}")
    print(f"convolution {rates.convolution:.0f} GFLOP/s, product {rates.product:.0f} GFLOP/s\n")
    print(table(rows, rates))


if __name__ == "__main__":
    main()

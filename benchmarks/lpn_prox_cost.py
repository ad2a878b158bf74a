"""What one evaluation of a learned proximal operator costs, in forward passes of its convex potential.

    OMP_NUM_THREADS=1 python -m benchmarks.lpn_prox_cost [--prior FILE] [--sizes 128 512] [--memory 256]

Of one image of each size in exact patches, as many at once as --memory MiB hold:

* psi: the potential alone, which is what a multiple is of;
* f and psi: as the methods call them, patches cut out and put back; the reverse pass is written out;
* autograd: the gradient of psi by torch, whose graph is kept until it was gone through once;
* double backward: the same with ``create_graph``, as the authors' code evaluates its networks, in inference
  too: the gradient itself is recorded, to be differentiated once more.

Without --prior the network has 64 pixels, --hidden channels and random weights: the time is the same.
The gradients of all are compared before they are timed. Contenders take turns; seconds are the least of a
few, by the clock or, with one thread, computing time, which means something on a busy machine too. The MiB
are those that `NetworkProx` counts for what is held at once; of a CUDA device the most that was allocated.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.dds_contenders import device_of
from benchmarks.dds_forms import clock_of
from benchmarks.interleaved import time_interleaved
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.tasks.lpn_networks import open_lpn

Pattern = Callable[[Icnn, Tensor], Tensor]
AGREE = 1e-4  # of gradients, relative
REPEATS, SECONDS_EACH = 10, 6.0
MIB = 1 << 20


@torch.no_grad()
def psi(network: Icnn, patches: Tensor) -> Tensor:
    return network.potential(patches)


def autograd(network: Icnn, patches: Tensor) -> Tensor:
    return _gradient(network, patches, create_graph=False)


def double_backward(network: Icnn, patches: Tensor) -> Tensor:
    return _gradient(network, patches, create_graph=True).detach()


PATTERNS: dict[str, Pattern] = {"psi": psi, "autograd": autograd, "double backward": double_backward}


def _gradient(network: Icnn, patches: Tensor, *, create_graph: bool) -> Tensor:
    patches = patches.detach().requires_grad_(True)
    with torch.enable_grad():
        potential = network.potential(patches).sum()
        (found,) = torch.autograd.grad(potential, patches, create_graph=create_graph)
    return found


def rows(network: Icnn, size: int, memory_bytes: int, clock: Callable[[], float]) -> Iterator[str]:
    """Lines of Markdown for images of one size. RuntimeError where gradients are not the same."""
    prox = NetworkProx(network, memory_bytes=memory_bytes)
    device = next(network.parameters()).device
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(1, prox.channels, size, size, generator=rng).to(device)
    batches = list(prox.batches(images))
    with torch.no_grad():
        expected = network(batches[0])
    for name in ("autograd", "double backward"):
        apart = float((PATTERNS[name](network, batches[0]) - expected).norm() / expected.norm())
        if not apart < AGREE:
            raise RuntimeError(f"gradients must agree to {AGREE:g}, got {apart:.1e} of {name}")
    calls = {
        name: _finished(device, partial(_all, form, network, batches)) for name, form in PATTERNS.items()
    }
    calls["f and psi"] = _finished(device, partial(prox.evaluated, images))
    best = {
        name: timing.best
        for name, timing in time_interleaved(calls, REPEATS, seconds=SECONDS_EACH, clock=clock).items()
    }
    n_patches, at_once = sum(map(len, batches)), len(batches[0])
    counted = prox.activation_bytes(1, (size, size), images.dtype) / MIB
    for name in ("psi", "f and psi", "autograd", "double backward"):
        held = f"{counted:.0f}" if name == "f and psi" else ""
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            calls[name]()
            held = f"{torch.cuda.max_memory_allocated(device) / MIB:.0f}"
        times = f"{best[name] / 1e3:.3f} | {best[name] / best['psi']:.2f}"
        yield f"| {size} x {size} | {n_patches}, {at_once} at once | {name} | {times} | {held} |"


def _all(form: Pattern, network: Icnn, batches: list[Tensor]) -> None:
    for batch in batches:
        form(network, batch)


def _finished(device: torch.device, call: Callable[[], object]) -> Callable[[], object]:
    """``call`` that does not return before the device is done."""

    def finished() -> None:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return finished


def network_of(asked: argparse.Namespace, device: str) -> Icnn:
    """That of the file; else one with random weights."""
    if asked.prior:
        return open_lpn(asked.prior, device=device, what="prior").network
    settings = IcnnSettings(side=64, hidden=asked.hidden)
    return drawn_network(lambda: Icnn(settings), 0).to(device).eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prior", metavar="FILE", help="weights, or lpn-ct, lpn-mri")
    parser.add_argument("--hidden", type=int, default=64, help="channels, without --prior")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 512], help="pixels")
    parser.add_argument("--memory", type=float, default=256.0, help="MiB")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    device = device_of(asked.device, asked.threads)
    network = network_of(asked, device)
    clock = clock_of(asked.threads if device == "cpu" else 0)
    told = network.settings
    what = f"{told.side} pixels, {told.hidden} channels"
    print(f"torch {torch.__version__}, {asked.threads} thread(s), {device}, {what}")
    print(f"\n| image | patches | | s | psi | MiB |\n{'|---' * 6}|")
    for size in asked.sizes:
        for line in rows(network, size, int(asked.memory * MIB), clock):
            print(line, flush=True)


if __name__ == "__main__":
    main()

"""By how much learned proximal networks enlarge differences, along the directions that they enlarge most.

    python -m benchmarks.lpn_gains DATA [lpn-ct lpn-mri ...] [--steps 20]

At the middle of slices that trainings keep apart, as in `lpn_prior_study`, with noise as strong as trained:
PSNR of denoising, and of each root mean square of a difference d the largest |f(y + d) - f(y)| / |d| of all
slices, by that many steps of a power iteration from two random patterns each. Above 1 the prior is not
convex, and iterations may enlarge a pattern until its gain is 1.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.prior_study_images import NOISE, perturbed, slices
from proxflow.models.learned_prox.expansion import largest_gains
from proxflow.models.networks.icnn import Icnn
from proxflow.tasks.lpn_networks import open_lpn

SIZES = (0.003, 0.01, 0.03, 0.1, 0.3)  # root mean squares, in the unit of the network
N_SLICES, N_PATTERNS = 6, 2
WITHIN = (-1.25, 1.25)


@torch.no_grad()
def row(name: str, network: Icnn, clean: Tensor, sigma: float, n_steps: int) -> str:
    """A line of Markdown."""
    rng = torch.Generator().manual_seed(0)
    noisy = clean + sigma * torch.randn(clean.shape, generator=rng)
    found = network(noisy)
    psnr = -10 * math.log10(float((found - clean).square().mean()))
    gains = [
        max(
            float(largest_gains(network, noisy, found, rng, reach=(size, size), n_power=n_steps).max())
            for _ in range(N_PATTERNS)
        )
        for size in SIZES
    ]
    return f"| {name} | {sigma:g} | {psnr:.2f} | {' | '.join(f'{gain:.2f}' for gain in gains)} |"


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("priors", nargs="*", default=["lpn-ct", "lpn-mri"], metavar="NAME", help="or a file")
    parser.add_argument("--sigma", type=float, help="of the noise; that of the training by default")
    parser.add_argument("--steps", type=int, default=20)
    asked = parser.parse_args()
    print(f"| weights | noise | PSNR | {' | '.join(f'{size:g}' for size in SIZES)} |")
    print(f"{'|---' * (3 + len(SIZES))}|", flush=True)
    for name in asked.priors:
        network, trained = open_lpn(name, what="prior")
        told = network.settings
        kind = "mri" if told.channels == 2 else "ct"
        images = perturbed(slices(asked.data, kind, N_SLICES), told.channels, told.side, WITHIN)
        sigma = asked.sigma or (trained.sigma if trained else 0.0)
        print(row(Path(name).name, network, images[NOISE][0.0].float(), sigma, asked.steps), flush=True)


if __name__ == "__main__":
    main()

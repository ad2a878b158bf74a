"""The Laplacian experiment of learned proximal networks: learned curves beside exact ones.

    python -m benchmarks.lpn_laplacian [--batch 2000] [--scale 1.0]

Three trainings of a network of 10 502 weights, by the stages of its authors, each of ``--scale`` times as
many steps: squared error, absolute error, and proximal matching from there on. f at a few y with the exact
minimiser of the loss in brackets, the largest and the rms distance of f from the soft threshold for
|y| <= 3.5, and the largest distance of the recovered prior from |x| for |x| <= 2.5.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import torch

from proxflow.models.learned_prox.laplacian import (
    L1_STAGES,
    L2_STAGES,
    MATCHING_STAGES,
    Estimate,
    LaplacianTraining,
    Stage,
    exact_estimate,
    learned_curves,
)
from proxflow.models.networks.icnn import Icnn

Y = (0.5, 1.0, 1.5, 2.0, 3.0)


def row(name: str, network: Icnn, estimate: Estimate, gamma: float = 0.0) -> str:
    """A line of Markdown."""
    y = torch.tensor(Y)
    found, exact = learned_curves(network, y)[0], exact_estimate(y, estimate, gamma)
    pairs = [f"{float(a):.3f} ({float(b):.3f})" for a, b in zip(found, exact, strict=True)]
    wide = torch.linspace(-3.5, 3.5, 1401)
    x, prior = learned_curves(network, torch.linspace(-4.5, 4.5, 1801))
    error = learned_curves(network, wide)[0] - wide.sign() * (wide.abs() - 1).clamp_min(0)
    near = x.abs() <= 2.5
    prior_error = (prior - x.abs())[near].abs().max()
    figures = f"{float(error.abs().max()):.3f} | {float(error.square().mean() ** 0.5):.3f}"
    return f"| {name} | {' | '.join(pairs)} | {figures} | {float(prior_error):.3f} |"


def scaled(stages: Sequence[Stage], scale: float) -> list[Stage]:
    return [replace(stage, n_steps=max(1, round(scale * stage.n_steps))) for stage in stages]


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--scale", type=float, default=1.0)
    told = parser.parse_args()
    heads = " | ".join(f"f({y:g})" for y in Y)
    print(f"| stage | {heads} | max e_f | rms e_f | max e_R |\n|{'---|' * (len(Y) + 4)}", flush=True)
    squared, absolute = (LaplacianTraining(batch=told.batch) for _ in range(2))
    squared.run(scaled(L2_STAGES, told.scale))
    print(row("l2", squared.network, "mean"), flush=True)
    absolute.run(scaled(L1_STAGES, told.scale))
    print(row("l1", absolute.network, "median"), flush=True)
    for stage in scaled(MATCHING_STAGES, told.scale):
        absolute.run([stage])
        name = f"matching {stage.gamma:g}, rate {stage.rate:g}"
        print(row(name, absolute.network, "matching", stage.gamma), flush=True)


if __name__ == "__main__":
    main()

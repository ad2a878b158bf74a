"""The Laplacian experiment of learned proximal networks: learned curves beside exact ones.

    python -m benchmarks.lpn_laplacian [--batch 2000] [--scale 1.0] [--picture FILE.png]

Three trainings of a network of 10 502 weights, by the stages of its authors, each of ``--scale`` times as
many steps: squared error, absolute error, and proximal matching from there on. f at a few y with the exact
minimiser of the loss in brackets, the largest and the rms distance of f from the soft threshold for
|y| <= 3.5, and the largest distance of the recovered prior from |x| for |x| <= 2.5.

``--picture``: f of the two first and of the last stage beside those exact minimisers and the soft threshold;
the priors recovered beside |x|.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from benchmarks.curve_panels import (
    AMBER,
    GREEN,
    Curve,
    Panel,
    legend,
    panel_parts,
    png_path,
    range_of,
    write_drawing,
)
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
from proxflow.tasks.report.drawing import INK, MARK, Drawing

Y = (0.5, 1.0, 1.5, 2.0, 3.0)
MOST_Y, MOST_X = 3.5, 2.5  # of the picture
SIDE, HEIGHT, LEFT, TOP, GAP, BELOW = 330.0, 300.0, 40.0, 30.0, 60.0, 156.0  # its units


class Learned(NamedTuple):
    """A network after a stage, and what its loss's minimiser is called."""

    name: str
    network: Icnn
    estimate: Estimate
    gamma: float = 0.0


def row(learned: Learned) -> str:
    """A line of Markdown."""
    name, network, estimate, gamma = learned
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


def drawing_of(stages: Sequence[Learned]) -> Drawing:
    """f(y) of every stage for 0 <= y <= 3.5 beside its exact minimiser, dashed, and the soft threshold; R for
    |x| <= 2.5, its least value 0, beside |x|."""
    y, wide = torch.linspace(0, MOST_Y, 141), torch.linspace(-4.5, 4.5, 1801)
    left, right, exact = [], [], []
    for one, colour in zip(stages, (MARK, GREEN, AMBER), strict=True):
        left.append(
            Curve(f"learned, {one.name}", y.tolist(), learned_curves(one.network, y)[0].tolist(), colour)
        )
        minimiser = exact_estimate(y, one.estimate, one.gamma).tolist()
        told = f"exact {one.estimate}{f', gamma {one.gamma:g}' * bool(one.gamma)}"
        exact.append(Curve(told, y.tolist(), minimiser, colour, dashed=True))
        x, prior = learned_curves(one.network, wide)
        near = x.abs() <= MOST_X
        right.append(Curve(f"learned, {one.name}", x[near].tolist(), prior[near].tolist(), colour))
    threshold = Curve("soft threshold", [0, 1, MOST_Y], [0, 0, MOST_Y - 1], INK)
    modulus = Curve("|x|", [-MOST_X, 0, MOST_X], [MOST_X, 0, MOST_X], INK)
    left, right = [threshold, *exact, *left], [modulus, *right]
    of_f = Panel(LEFT, TOP, SIDE, HEIGHT, (0, MOST_Y), range_of(left))
    of_r = Panel(LEFT + SIDE + GAP, TOP, SIDE, HEIGHT, (-MOST_X, MOST_X), range_of(right))
    parts = panel_parts(of_f, left, "f(y)", "y") + panel_parts(of_r, right, "R(x), least value 0", "x")
    for panel, curves in ((of_f, left), (of_r, right)):
        parts += legend(panel.left, TOP + HEIGHT + 48, curves)
    size = of_r.left + SIDE + 14, TOP + HEIGHT + BELOW
    return Drawing(*size, "what was learned of a Laplacian prior", tuple(parts))


def scaled(stages: Sequence[Stage], scale: float) -> list[Stage]:
    return [replace(stage, n_steps=max(1, round(scale * stage.n_steps))) for stage in stages]


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--picture", type=png_path, metavar="FILE.png")
    told = parser.parse_args()
    heads = " | ".join(f"f({y:g})" for y in Y)
    print(f"| stage | {heads} | max e_f | rms e_f | max e_R |\n|{'---|' * (len(Y) + 4)}", flush=True)
    squared, absolute = (LaplacianTraining(batch=told.batch) for _ in range(2))
    squared.run(scaled(L2_STAGES, told.scale))
    shown = [Learned("l2", squared.network, "mean")]
    print(row(shown[0]), flush=True)
    absolute.run(scaled(L1_STAGES, told.scale))
    shown.append(Learned("l1", copy.deepcopy(absolute.network), "median"))
    print(row(shown[1]), flush=True)
    for stage in scaled(MATCHING_STAGES, told.scale):
        absolute.run([stage])
        name = f"matching {stage.gamma:g}, rate {stage.rate:g}"
        last = Learned(name, absolute.network, "matching", stage.gamma)
        print(row(last), flush=True)
    if told.picture:
        write_drawing(told.picture, drawing_of([*shown, last]))


if __name__ == "__main__":
    main()

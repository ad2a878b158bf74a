"""RED-PSM with a dense operator and autograd, as its authors' released code computes it; for comparison."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.dynamic_projections import DenseViews
from proxflow.models.dynamic.factor_problem import Factors
from proxflow.models.dynamic.released_red_psm import RATE

LAM = BETA = 2e-4
XI = CHI = 1e-6
STEPS = 25  # of Adam an iteration


def stacked(y: Tensor) -> Tensor:
    """(T, J) views -> (T, 2 J): below each that from behind, bin s of which is bin 2 (J // 2) - s.

    J must be even; the bin that has no mirror image is its own.
    """
    return torch.cat([y, y.flip(-1).roll(1, -1)], dim=-1)


def dense_red_psm(
    operator: DenseViews,
    g: Tensor,
    basis: Tensor,
    support: Tensor,
    start: Factors,
    denoise: Callable[[Tensor], Tensor],
    *,
    n_iter: int,
    report: Callable[[], None],
) -> Tensor:
    """f (T, J, J) after ``n_iter`` outer iterations; ``report`` is called after each.

    g: (T, 2 J) of rays in pixels, of an object of the peak 0.0718, as ``start`` and f are.
    Source: spec 5.2 and 5.3; what it computes is said in ``ReleasedRedPsm``.
    """
    spatial, knots = (part.clone().requires_grad_() for part in start)
    optimiser = torch.optim.Adam([spatial, knots], lr=RATE)
    f = gamma = torch.zeros(operator.domain_shape)
    for _ in range(n_iter):
        for _ in range(STEPS):
            psi = basis @ knots
            series = (psi @ spatial.flatten(1)).unflatten(-1, spatial.shape[1:])
            x = (series * support).clamp_min(0)
            loss = torch.nn.functional.mse_loss(operator.forward(x), g)
            loss = loss + BETA / 2 * torch.linalg.vector_norm(x - f + gamma)
            loss = loss + XI * psi.square().mean() + CHI * spatial.square().mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        x = x.detach()  # of before the last step
        f = (LAM * denoise(f) + BETA * (x + gamma)) / (LAM + BETA) * support
        gamma = gamma + x - f
        report()
    return f

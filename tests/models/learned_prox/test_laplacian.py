"""The prior one can write down: its exact estimates, the loss, and a short training."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.learned_prox.laplacian import LaplacianTraining, Stage, exact_estimate, learned_curves
from proxflow.models.learned_prox.matching import proximal_matching

Y = torch.tensor([0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0])


@pytest.mark.parametrize(
    ("estimate", "gamma", "wanted"),
    [
        ("mean", 0.0, [0.1192, 0.2410, 0.5032, 0.6484, 0.8056, 1.1611, 2.0258]),
        ("median", 0.0, [0.0902, 0.1901, 0.4288, 0.5718, 0.7325, 1.1067, 2.0125]),
        ("matching", 0.5, [0.0685, 0.1402, 0.3106, 0.4236, 0.5716, 1.0022, 2.0]),
        ("matching", 0.1, [0.0201, 0.0421, 0.1110, 0.2504, 0.5, 1.0, 2.0]),
    ],
)
def test_exact_estimates(estimate: str, gamma: float, wanted: list[float]) -> None:
    """Another quadrature's numbers, and those of negative y mirrored."""
    found = exact_estimate(torch.cat([Y, -Y]), estimate, gamma)  # type: ignore[arg-type]
    mirrored = torch.tensor([*wanted, *(-x for x in wanted)], dtype=torch.float64)
    torch.testing.assert_close(found, mirrored, rtol=0, atol=3e-4)


def test_proximal_matching_is_the_squared_error_for_large_gamma_and_counts_misses_for_small() -> None:
    clean = torch.zeros(4, 2, 3, dtype=torch.float64)
    found = clean.clone()
    found[0, 0, 0], found[1, 1] = 0.3, 0.2
    square = (found - clean).square().flatten(1).sum(1).mean()
    large = proximal_matching(found, clean, 1e4)
    assert float(large * 1e8) == pytest.approx(float(square), rel=1e-6)
    assert float(proximal_matching(found, clean, 1e-3)) == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"gamma must be positive, got 0.0"):
        proximal_matching(found, clean, 0.0)
    with pytest.raises(ValueError, match="found must have the shape of clean"):
        proximal_matching(found, clean[:1], 1.0)


def test_a_short_training_tells_the_losses_apart() -> None:
    """The l2 curve above the l1 curve, which is above that of proximal matching; all of them monotone."""
    at = torch.linspace(-3, 3, 61)
    curves = {}
    for loss, stages in {
        "l2": (Stage("l2", 5e-3, 300),),
        "matching": (Stage("l1", 5e-3, 200), Stage("matching", 5e-3, 200, 0.5)),
    }.items():
        training = LaplacianTraining(batch=200)
        training.run(stages)
        x, prior = learned_curves(training.network, at)
        assert bool((x.diff() >= 0).all())
        assert min(float(layer.weight.detach().min()) for layer in training.network.lin[1:]) >= 0
        assert float(prior[0]) > 0.5 and float(prior[-1]) > 0.5
        curves[loss] = x
    exact = exact_estimate(at, "mean").float()
    assert float((curves["l2"] - exact).abs().max()) < 0.35
    inner = (at.abs() > 0.4) & (at.abs() < 1.6)
    lower = (curves["l2"] - curves["matching"]) * at.sign()
    assert float(lower[inner].mean()) > 0.1


def test_training_is_decided_by_its_seed() -> None:
    first, again = (LaplacianTraining(batch=20, seed=3) for _ in range(2))
    first.run((Stage("l1", 1e-3, 4),))
    again.run((Stage("l1", 1e-3, 2),))
    again.run((Stage("l1", 1e-3, 2),))
    for ours, theirs in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)

"""Weights of spokes for an operator, and the operator that has them."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.methods.gridding import gridding
from proxflow.models.methods.spoke_weights import spoke_weights
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.density_compensation import radial_density
from proxflow.operators.golden_spokes import golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense

N = 12
SPOKES = golden_spokes(7, N)
MAPS = torch.ones(1, N, N, dtype=torch.complex128)


def test_weights_are_those_of_the_trajectory_and_gridding_uses_them() -> None:
    operator = NonCartesianSense(SPOKES.flatten(0, 1), MAPS, n_readout=2 * N)
    weights = spoke_weights(operator)
    torch.testing.assert_close(weights, radial_density(SPOKES).flatten())
    y = torch.ones(1, len(weights), dtype=torch.complex128)
    torch.testing.assert_close(gridding(operator, y).image, operator.adjoint(weights * y))


def test_a_weighted_operator_is_as_accurate_and_knows_its_spokes() -> None:
    """A coarse NUFFT shows: with its own tolerance lost, the two would differ by more than rounding."""
    coarse = NonCartesianSense(SPOKES.flatten(0, 1), MAPS, n_readout=2 * N, tolerance=1e-2)
    weights = spoke_weights(coarse)
    weighted = coarse.weighted(weights)
    assert (weighted.n_readout, weighted.tolerance) == (2 * N, 1e-2)
    x = torch.randn(N, N, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(weighted.forward(x), weights.sqrt() * coarse.forward(x), rtol=0, atol=1e-12)
    fine = NonCartesianSense(SPOKES.flatten(0, 1), MAPS, n_readout=2 * N)
    assert (fine.forward(x) - coarse.forward(x)).abs().max() > 1e-9


def test_other_trajectories_are_refused() -> None:
    with pytest.raises(UnsuitableError, match="spokes must have as many samples each"):
        spoke_weights(NonCartesianSense(SPOKES.flatten(0, 1), MAPS))
    bent = SPOKES + torch.linspace(0, 2, 2 * N, dtype=torch.float64)[:, None].square() * torch.tensor([1, -1])
    with pytest.raises(UnsuitableError, match="trajectory must hold straight spokes"):
        spoke_weights(NonCartesianSense((0.5 * bent).flatten(0, 1), MAPS, n_readout=2 * N))

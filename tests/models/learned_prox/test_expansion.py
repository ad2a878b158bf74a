"""The gain of a learned proximal operator along what it enlarges most."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from proxflow.models.learned_prox.expansion import largest_gains, reach_of

REACH = (0.02, 0.3)


class Symmetric(nn.Module):
    """f(y) = U diag(values) U^T y + 1, of images of 1 x 4 x 4."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(values)
        self.basis = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(3)))[0]

    def forward(self, y: Tensor) -> Tensor:
        along = y.flatten(1) @ self.basis
        return ((along * self.values) @ self.basis.T).view_as(y) + 1


@pytest.fixture
def network() -> Symmetric:
    return Symmetric(torch.cat([torch.tensor([2.5]), torch.linspace(0, 0.5, 15)]))


def test_the_gain_is_the_largest_eigenvalue(network: Symmetric, rng: torch.Generator) -> None:
    y = torch.rand(6, 1, 4, 4, generator=rng)
    gains = largest_gains(network, y, network(y), rng, reach=REACH)
    torch.testing.assert_close(gains, torch.full((6,), 2.5), atol=1e-3, rtol=0)


def test_a_step_against_the_gain_lowers_that_eigenvalue_alone(
    network: Symmetric, rng: torch.Generator
) -> None:
    y = torch.rand(4, 1, 4, 4, generator=rng)
    largest_gains(network, y, network(y), rng, reach=REACH).sum().backward()
    slopes = network.values.grad
    assert slopes is not None
    assert slopes[0] == pytest.approx(4, abs=1e-2) and slopes[1:].abs().max() < 1e-2


def test_differences_are_as_long_as_told(rng: torch.Generator) -> None:
    """What f is asked for beside f(y) lies within reach of y, in root mean square."""
    asked = []

    class Noting(nn.Module):
        def forward(self, y: Tensor) -> Tensor:
            asked.append(y.detach())
            return y

    y = torch.rand(50, 1, 8, 8, generator=rng)
    gains = largest_gains(Noting(), y, y, rng, reach=REACH)
    sizes = (torch.stack(asked) - y).square().mean((2, 3, 4)).sqrt()
    assert sizes.min() > 0.99 * REACH[0] and sizes.max() < 1.01 * REACH[1]
    assert sizes.max() > 8 * sizes.min()
    torch.testing.assert_close(gains, torch.ones(50), atol=1e-3, rtol=0)


def test_differences_below_the_noise_are_left_alone() -> None:
    assert reach_of(0.03) == pytest.approx((0.02, 0.3))
    assert reach_of(0.9) == (0.3, 0.3)

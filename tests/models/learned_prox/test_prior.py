"""The prior of a learned proximal operator: its inequality, inversion, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from proxflow.models.learned_prox.image_prox import prior_value
from proxflow.models.learned_prox.inversion import inverted
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import prior_of
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from tests.models.learned_prox.proximal_inequality import proximal_prior, squares


def test_f_is_the_proximal_operator_of_its_prior(prox: NetworkProx, v: Tensor) -> None:
    prior = proximal_prior(prox, v)
    assert float(prior.max() - prior.min()) > 0.1


def test_inversion_finds_the_point(prox: NetworkProx, v: Tensor) -> None:
    x, psi = prox.evaluated(v)
    found = inverted(prox, x, tol=1e-11)
    assert float(found.residual.max()) < 1e-11
    torch.testing.assert_close(found.v, v, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(prox(found.v), x, rtol=1e-9, atol=1e-10)
    by_inversion = prior_of(prox, x, tol=1e-11, within=(-math.inf, math.inf))
    torch.testing.assert_close(by_inversion.value, prior_value(x, v, psi))
    assert float(by_inversion.residual.max()) < 1e-11
    torch.testing.assert_close(by_inversion.reach, (squares(v - x) / squares(x)).sqrt())


def test_images_are_inverted_each_on_its_own(prox: NetworkProx, v: Tensor) -> None:
    x = prox(v)
    x[1] *= 0.1
    together, alone = inverted(prox, x, tol=1e-10).v, inverted(prox, x[2:3], tol=1e-10).v
    torch.testing.assert_close(together[2:3], alone, rtol=1e-6, atol=1e-6)


def test_a_black_image_is_inverted_like_any_other(prox: NetworkProx, v: Tensor) -> None:
    x = prox(v[:2])
    x[1] = 0
    assert float(prox(x)[1].norm()) > 0.1  # x is not its own v
    found = inverted(prox, x, tol=1e-10)
    assert float(prox(found.v)[1].norm()) < 1e-10
    unsolved = inverted(prox, x, n_newton=0)
    torch.testing.assert_close(unsolved.residual[1], prox(x)[1].norm())
    prior = prior_of(prox, x, tol=1e-10, within=(-math.inf, math.inf))
    torch.testing.assert_close(prior.value[1], -found.potential[1])
    torch.testing.assert_close(prior.reach[1], found.v[1].norm())


def test_single_precision_says_how_far_it_came(prox: NetworkProx, v: Tensor) -> None:
    x = prox(v)
    prox.network.float()
    found = inverted(prox, x.float(), tol=1e-9, n_newton=20)
    assert 1e-9 < float(found.residual.max()) < 1e-4
    told = (prox(found.v) - x.float()).flatten(1).norm(dim=1) / x.float().flatten(1).norm(dim=1)
    torch.testing.assert_close(found.residual, told.double())


@pytest.mark.parametrize("c", [0.5, 1.0, 3.0])
def test_a_quadratic_has_a_quadratic_prior(c: float, v: Tensor) -> None:
    network = Icnn(IcnnSettings("small", side=8, hidden=2, alpha=c / 2)).double().requires_grad_(False)
    network.lin[-1].weight.zero_()
    prox = NetworkProx(network)
    torch.testing.assert_close(prox(v), c * v)
    found = prior_of(prox, v.clamp(0, 1), tol=1e-12)
    torch.testing.assert_close(found.value, (1 / c - 1) / 2 * squares(v.clamp(0, 1)))


def test_what_has_no_prior_is_refused(prox: NetworkProx, v: Tensor) -> None:
    with pytest.raises(ValueError, match=r"images must have values within -0.25 to 1.25, .* got 0 to 3"):
        prior_of(prox, torch.linspace(0, 3, 64).view(1, 1, 8, 8))
    with pytest.raises(ValueError, match="images must have values within"):
        prior_of(prox, v * torch.nan)
    averaged = NetworkProx(prox.network, patching="averaged")
    with pytest.raises(ValueError, match="prox must be a gradient to be inverted"):
        inverted(averaged, v)

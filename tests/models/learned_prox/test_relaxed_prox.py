"""A part of a learned proximal operator's step: a proximal operator, too, of a weaker prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.learned_prox.image_prox import prior_value
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import prior_of
from proxflow.models.learned_prox.relaxed_prox import RelaxedProx
from proxflow.models.methods.lpn import lpn
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.operators.dense import MatrixOperator

SETTINGS = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)
every_strength = pytest.mark.parametrize("t", [0.01, 0.3, 1.0])


@pytest.fixture
def whole(bent: Callable[[IcnnSettings], Icnn]) -> NetworkProx:
    return NetworkProx(bent(SETTINGS), stride=4)


@pytest.fixture
def v(rng: torch.Generator) -> Tensor:
    return 2 * torch.rand(6, 1, 8, 11, dtype=torch.float64, generator=rng) - 0.5


def squares(x: Tensor) -> Tensor:
    return x.square().flatten(1).sum(1)


@every_strength
def test_it_is_the_gradient_of_its_potential(
    t: float, whole: NetworkProx, v: Tensor, rng: torch.Generator
) -> None:
    prox, step = RelaxedProx(whole, t), 1e-5
    direction = torch.randn(v.shape, dtype=v.dtype, generator=rng)
    ahead, back = (prox.evaluated(v + sign * step * direction) for sign in (1, -1))
    slope = (ahead.potential - back.potential) / (2 * step)
    torch.testing.assert_close(slope, (prox(v) * direction).flatten(1).sum(1), rtol=1e-6, atol=1e-8)
    along = (ahead.image - back.image) / (2 * step)
    torch.testing.assert_close(prox.derivative(v, direction), along, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(prox.evaluated(v).image, prox(v), rtol=0, atol=0)


@every_strength
def test_it_is_the_proximal_operator_of_its_prior(t: float, whole: NetworkProx, v: Tensor) -> None:
    prox = RelaxedProx(whole, t)
    x, psi = prox.evaluated(v)
    prior = prior_value(x, v, psi)
    at_own = squares(x - v) / 2 + prior
    for k in range(1, len(v)):
        z, prior_z = x.roll(k, 0), prior.roll(k, 0)
        assert bool((squares(z - v) / 2 + prior_z >= at_own - 1e-12 * at_own.abs()).all())


@every_strength
def test_its_envelope_is_a_part_of_that_of_the_prior(t: float, whole: NetworkProx, v: Tensor) -> None:
    """min_x R_t(x) + 1/2 ||x - v||^2 = t min_x R(x) + 1/2 ||x - v||^2, each taken where its own f says."""

    def envelope(prox: RelaxedProx | NetworkProx) -> Tensor:
        x, psi = prox.evaluated(v)
        return prior_value(x, v, psi) + squares(x - v) / 2

    torch.testing.assert_close(envelope(RelaxedProx(whole, t)), t * envelope(whole), rtol=1e-10, atol=1e-10)


def test_a_small_part_has_that_part_of_the_envelope(whole: NetworkProx, v: Tensor) -> None:
    """R_t(x) / t goes to the Moreau envelope of R at x, with an error that falls as t."""
    images = whole(v)
    envelope = squares(images) / 2 - whole.evaluated(images).potential
    errors = []
    for t in (0.01, 0.001):
        prior = prior_of(RelaxedProx(whole, t), images, tol=1e-11, within=(-math.inf, math.inf)).value
        errors.append(float((prior / t - envelope).abs().max()))
    assert errors[1] < 0.15 * errors[0] < 0.15 * float(envelope.max() - envelope.min())


def test_inversion_finds_the_point(whole: NetworkProx, v: Tensor) -> None:
    prox = RelaxedProx(whole, 0.3)
    x, psi = prox.evaluated(v)
    found = prior_of(prox, x, tol=1e-11, within=(-math.inf, math.inf))
    torch.testing.assert_close(found.value, prior_value(x, v, psi))


def test_the_modulus_holds(whole: NetworkProx, v: Tensor) -> None:
    prox = RelaxedProx(whole, 0.3)
    assert prox.strong_convexity == pytest.approx(0.7 + 0.3 * 0.02)
    image, between = prox(v) - prox(v.roll(1, 0)), v - v.roll(1, 0)
    assert bool(((image * between).flatten(1).sum(1) >= prox.strong_convexity * squares(between)).all())


def test_all_of_the_step_is_the_network(whole: NetworkProx, v: Tensor) -> None:
    torch.testing.assert_close(RelaxedProx(whole, 1.0)(v), whole(v), rtol=0, atol=0)


@pytest.mark.parametrize("solver", ["pgd", "admm"])
@pytest.mark.parametrize("t", [0.03, 0.3])
def test_objectives_never_increase_and_data_are_followed_closer(
    solver: Any, t: float, whole: NetworkProx, rng: torch.Generator
) -> None:
    matrix = torch.randn(40, 63, dtype=torch.float64, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7), (40,))
    image = torch.zeros(9, 7, dtype=torch.float64)
    image[2:6, 3:] = 1.0
    y = operator.forward(image)
    numbers: dict[str, Any] = {"solver": solver, "n_iter": 60, "tol": 0, "unit": 1.0, "n_cg": 60}
    weak = lpn(operator, y, prox=RelaxedProx(whole, t), **numbers).trace
    assert all(after.objective <= before.objective + 1e-9 for before, after in pairwise(weak))
    assert weak[0].objective - weak[-1].objective > 1e-4
    assert weak[-1].data_residual < 0.7 * lpn(operator, y, prox=whole, **numbers).trace[-1].data_residual


@pytest.mark.parametrize("t", [0.0, -0.1, 1.01, math.nan])
def test_another_strength_is_refused(t: float, whole: NetworkProx) -> None:
    with pytest.raises(ValueError, match=f"strength must be above 0 and at most 1, got {t:g}"):
        RelaxedProx(whole, t)

"""A part of a learned proximal operator's step: a proximal operator, too, of a weaker prior."""

from __future__ import annotations

import math
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
from proxflow.operators.dense import MatrixOperator
from tests.models.learned_prox.proximal_inequality import proximal_prior, squares

every_strength = pytest.mark.parametrize("t", [0.01, 0.3, 1.0])


@every_strength
def test_it_is_the_gradient_of_its_potential(
    t: float, prox: NetworkProx, v: Tensor, rng: torch.Generator
) -> None:
    part, step = RelaxedProx(prox, t), 1e-5
    direction = torch.randn(v.shape, dtype=v.dtype, generator=rng)
    ahead, back = (part.evaluated(v + sign * step * direction) for sign in (1, -1))
    slope = (ahead.potential - back.potential) / (2 * step)
    torch.testing.assert_close(slope, (part(v) * direction).flatten(1).sum(1), rtol=1e-6, atol=1e-8)
    along = (ahead.image - back.image) / (2 * step)
    torch.testing.assert_close(part.derivative(v, direction), along, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(part.evaluated(v).image, part(v), rtol=0, atol=0)


@every_strength
def test_it_is_the_proximal_operator_of_its_prior(t: float, prox: NetworkProx, v: Tensor) -> None:
    proximal_prior(RelaxedProx(prox, t), v)


@every_strength
def test_its_envelope_is_a_part_of_that_of_the_prior(t: float, prox: NetworkProx, v: Tensor) -> None:
    """min_x R_t(x) + 1/2 ||x - v||^2 = t min_x R(x) + 1/2 ||x - v||^2, each taken where its own f says."""

    def envelope(one: RelaxedProx | NetworkProx) -> Tensor:
        x, psi = one.evaluated(v)
        return prior_value(x, v, psi) + squares(x - v) / 2

    torch.testing.assert_close(envelope(RelaxedProx(prox, t)), t * envelope(prox), rtol=1e-10, atol=1e-10)


def test_a_small_part_has_that_part_of_the_envelope(prox: NetworkProx, v: Tensor) -> None:
    """R_t(x) / t goes to the Moreau envelope of R at x, with an error that falls as t."""
    images = prox(v)
    envelope = squares(images) / 2 - prox.evaluated(images).potential
    errors = []
    for t in (0.01, 0.001):
        prior = prior_of(RelaxedProx(prox, t), images, tol=1e-11, within=(-math.inf, math.inf)).value
        errors.append(float((prior / t - envelope).abs().max()))
    assert errors[1] < 0.15 * errors[0] < 0.15 * float(envelope.max() - envelope.min())


def test_inversion_finds_the_point(prox: NetworkProx, v: Tensor) -> None:
    part = RelaxedProx(prox, 0.3)
    x, psi = part.evaluated(v)
    found = prior_of(part, x, tol=1e-11, within=(-math.inf, math.inf))
    torch.testing.assert_close(found.value, prior_value(x, v, psi))


def test_the_modulus_holds(prox: NetworkProx, v: Tensor) -> None:
    part = RelaxedProx(prox, 0.3)
    assert part.strong_convexity == pytest.approx(0.7 + 0.3 * 0.02)
    image, between = part(v) - part(v.roll(1, 0)), v - v.roll(1, 0)
    assert bool(((image * between).flatten(1).sum(1) >= part.strong_convexity * squares(between)).all())


def test_all_of_the_step_is_the_network(prox: NetworkProx, v: Tensor) -> None:
    torch.testing.assert_close(RelaxedProx(prox, 1.0)(v), prox(v), rtol=0, atol=0)


@pytest.mark.parametrize("solver", ["pgd", "admm"])
@pytest.mark.parametrize("t", [0.03, 0.3])
def test_objectives_never_increase_and_data_are_followed_closer(
    solver: Any, t: float, prox: NetworkProx, rng: torch.Generator
) -> None:
    matrix = torch.randn(40, 63, dtype=torch.float64, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7), (40,))
    image = torch.zeros(9, 7, dtype=torch.float64)
    image[2:6, 3:] = 1.0
    y = operator.forward(image)
    numbers: dict[str, Any] = {"solver": solver, "n_iter": 60, "tol": 0, "unit": 1.0, "n_cg": 60}
    weak = lpn(operator, y, prox=RelaxedProx(prox, t), **numbers).trace
    assert all(after.objective <= before.objective + 1e-9 for before, after in pairwise(weak))
    assert weak[0].objective - weak[-1].objective > 1e-4
    assert weak[-1].data_residual < 0.7 * lpn(operator, y, prox=prox, **numbers).trace[-1].data_residual


@pytest.mark.parametrize("t", [0.0, -0.1, 1.01, math.nan])
def test_another_strength_is_refused(t: float, prox: NetworkProx) -> None:
    with pytest.raises(ValueError, match=f"strength must be above 0 and at most 1, got {t:g}"):
        RelaxedProx(prox, t)

"""Learned proximal networks on one item: units found in the data, and what a certificate says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import bright, first_image
from proxflow.models.learned_prox.learned_prior import LearnedPrior
from proxflow.models.learned_prox.prior import prior_of
from proxflow.models.learned_prox.relaxed_prox import RelaxedProx
from proxflow.models.methods.certificate import Certificate
from proxflow.models.methods.lpn import lpn
from proxflow.models.methods.lpn_of_item import lpn_of_item
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.models.solvers.iteration import Checkpoint, Iteration
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.diagonal import Diagonal

SETTINGS = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)
every_solver = pytest.mark.parametrize("solver", ["pgd", "admm"])


@pytest.fixture
def prior(bent: Callable[[IcnnSettings], Icnn]) -> LearnedPrior:
    return LearnedPrior(bent(SETTINGS))


@pytest.fixture
def real(rng: torch.Generator) -> MatrixOperator:
    """Images (9, 7) through 80 random numbers."""
    matrix = torch.randn(80, 63, dtype=torch.float64, generator=rng)
    return MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7), (80,))


@pytest.fixture
def data(real: MatrixOperator, rng: torch.Generator) -> Tensor:
    x = torch.zeros(9, 7, dtype=torch.float64)
    x[2:6, 3:] = 3.0
    return real.forward(x) + 0.03 * torch.randn(80, dtype=torch.float64, generator=rng)


@pytest.fixture
def turned(rng: torch.Generator) -> tuple[MatrixOperator, Tensor]:
    """Complex images (9, 7) through 80 random numbers, and what it makes of one that is imaginary."""
    matrix = torch.randn(80, 63, dtype=torch.complex128, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7), (80,))
    return operator, operator.forward(torch.ones(9, 7, dtype=torch.complex128) * 2j)


def held(certificate: Certificate | None) -> dict[str, bool]:
    assert certificate is not None
    return {condition.name: condition.holds for condition in certificate.conditions}


@every_solver
def test_it_is_lpn_in_the_unit_of_the_first_image(
    solver: Any, prior: LearnedPrior, real: MatrixOperator, data: Tensor
) -> None:
    found = lpn_of_item(real, data, prior=prior, solver=solver, n_iter=9, tol=0, stride=8)
    unit = bright(first_image(real, real.adjoint(data)), 2)
    prox = prior.prox("exact", 8, (9, 7), torch.float64)
    numbers: dict[str, Any] = {"prox": prox, "solver": solver, "n_iter": 9, "tol": 0, "norm": 1.0}
    torch.testing.assert_close(found.image, lpn(real, data, **numbers, unit=unit).image)
    assert found.certificate is None
    told: dict[str, Any] = {"unit": 6 * float(unit), "image_scale": 3.0}
    half = lpn_of_item(real, data, prior=prior, solver=solver, n_iter=9, tol=0, stride=8, **told)
    torch.testing.assert_close(half.image, lpn(real, data, **numbers, unit=2 * unit).image)
    louder = lpn_of_item(real, 7 * data, prior=prior, solver=solver, n_iter=9, tol=0, stride=8)
    torch.testing.assert_close(louder.image, 7 * found.image)


@every_solver
def test_of_a_part_of_the_step_all_is_certified(
    solver: Any, prior: LearnedPrior, real: MatrixOperator, data: Tensor
) -> None:
    """Steps are a tenth as long, and so must be the residual at which the fixed point is reached."""
    numbers: dict[str, Any] = {"solver": solver, "n_iter": 2000, "tol": 1e-5}
    found = lpn_of_item(real, data, prior=prior, **numbers, stride=8, strength=0.1, certified=True)
    part = RelaxedProx(prior.prox("exact", 8, (9, 7), torch.float64), 0.1)
    unit = bright(first_image(real, real.adjoint(data)), 2)
    torch.testing.assert_close(found.image, lpn(real, data, prox=part, **numbers, norm=1.0, unit=unit).image)
    assert found.certificate is not None and found.certificate.figures["strength"] == 0.1
    conditions = held(found.certificate)
    assert conditions.pop("last image in range") is False  # of weights that were drawn
    assert all(conditions.values())
    text = {one.name: one.text for one in found.certificate.conditions}["fixed point reached"]
    assert "at most 0.0001 of the image" in text


@every_solver
def test_a_warm_up_is_where_a_guaranteed_run_begins(
    solver: Any, prior: LearnedPrior, real: MatrixOperator, data: Tensor
) -> None:
    """With all of the step and a rho of 0.03 times the weight, and none of it once more when it goes on."""
    numbers: dict[str, Any] = {"prior": prior, "stride": 8, "tol": 0, "solver": solver, "strength": 0.03}
    states: list[tuple[Iteration, Any]] = []

    def kept(report: Iteration, state: Any) -> None:
        states.append((report, state))

    found = lpn_of_item(real, data, **numbers, n_iter=20, warm_up=25, certified=True, monitor=kept)
    unit = bright(first_image(real, real.adjoint(data)), 2)
    whole = prior.prox("exact", 8, (9, 7), torch.float64)
    rho = 0.03 * (1 / 0.95 if solver == "pgd" else 1.05)
    warm = lpn(real, data, prox=whole, setting="published", rho=rho, n_iter=25, tol=0, unit=unit).image
    given: dict[str, Any] = {"prox": RelaxedProx(whole, 0.03), "start": warm, "norm": 1.0, "unit": unit}
    wanted = lpn(real, data, solver=solver, n_iter=20, tol=0, **given)
    torch.testing.assert_close(found.image, wanted.image)
    assert held(found.certificate)["objective never rises"]
    cold = lpn_of_item(real, data, **numbers, n_iter=20)
    assert found.trace[-1].objective < cold.trace[-1].objective
    report, state = states[4]
    halfway = Checkpoint(report.index, tuple(state), found.trace[:5])
    again = lpn_of_item(real, data, **numbers, n_iter=20, warm_up=25, resume=halfway)
    torch.testing.assert_close(again.image, found.image, rtol=0, atol=0)


@every_solver
def test_a_run_that_converged_knows_its_prior_by_one_pass(
    solver: Any, prior: LearnedPrior, real: MatrixOperator, data: Tensor
) -> None:
    """R of the trace is c^2 R(x / c); the fixed point's v inverts without a step."""
    numbers: dict[str, Any] = {"prior": prior, "solver": solver, "n_iter": 400, "tol": 1e-9, "stride": 8}
    found = lpn_of_item(real, data, **numbers, certified=True)
    assert found.certificate is not None
    figures = found.certificate.figures
    unit = float(bright(first_image(real, real.adjoint(data)), 2))
    assert figures["inversion_residual_after"] < 1e-6
    assert figures["prior_after"] == pytest.approx(dict(found.trace[-1].figures)["prior"] / unit**2, rel=1e-6)
    assert figures["fixed_point_residual"] < 1e-8
    assert figures["lipschitz"] == 1.0 and figures["eta" if solver == "pgd" else "rho"] in (0.95, 1.05)
    conditions = held(found.certificate)
    assert conditions.pop("last image in range") is False  # of weights that were drawn
    assert conditions.pop("prior of first image found") is False  # by three steps
    assert all(conditions.values())


@pytest.mark.parametrize("told", [True, False])
@every_solver
def test_what_is_not_seen_stays_dark_and_the_prior_is_that_of_the_rest(
    solver: Any, told: bool, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    """Coil maps with a hole, by an operator that tells it or one that has to be probed."""
    maps = torch.randn(3, 9, 7, dtype=torch.complex128, generator=rng) / 3
    maps[:, 2:6, 1:5] = 0
    operator: LinearOperator = CartesianSense(torch.rand(9, 7, generator=rng) > 0.2, maps)
    turn = torch.polar(torch.ones(9, 7), torch.rand(9, 7, generator=rng)).to(maps.dtype)
    if not told:
        operator = operator @ Diagonal(turn)
    assert (operator.support is None) is not told
    y = operator.forward(torch.randn(9, 7, dtype=torch.complex128, generator=rng))
    prior = LearnedPrior(bent(replace(SETTINGS, channels=2)))
    numbers: dict[str, Any] = {"prior": prior, "solver": solver, "n_iter": 600, "tol": 1e-9, "stride": 8}
    found = lpn_of_item(operator, y, **numbers, n_newton=1, certified=True)
    assert not bool(found.image[2:6, 1:5].any()) and bool(found.image[7:].all())
    assert found.certificate is not None
    figures, unit = found.certificate.figures, float(bright(first_image(operator, operator.adjoint(y)), 2))
    assert figures["inversion_residual_after"] < 1e-6
    assert figures["prior_after"] == pytest.approx(dict(found.trace[-1].figures)["prior"] / unit**2, rel=1e-6)


def test_the_prior_before_is_that_of_the_first_image(
    bent: Callable[[IcnnSettings], Icnn], real: MatrixOperator, data: Tensor
) -> None:
    prior = LearnedPrior(bent(replace(SETTINGS, alpha=0.3)))
    found = lpn_of_item(real, data, prior=prior, n_iter=2, stride=8, n_newton=60, certified=True)
    first = first_image(real, real.adjoint(data))
    prox = prior.prox("exact", 8, (9, 7), torch.float64)
    wanted = prior_of(prox, (first / bright(first, 2))[None, None], within=(-math.inf, math.inf))
    assert found.certificate is not None
    assert found.certificate.figures["inversion_residual_before"] < 1e-3
    assert found.certificate.figures["prior_before"] == pytest.approx(float(wanted.value), rel=1e-4)


def test_what_the_trace_and_the_images_break_is_told(
    bent: Callable[[IcnnSettings], Icnn], real: MatrixOperator, data: Tensor
) -> None:
    numbers: dict[str, Any] = {"setting": "published", "stride": 8, "certified": True, "tol": 0}
    narrow = LearnedPrior(bent(SETTINGS), within=(-0.1, 0.9))
    found = lpn_of_item(real, data, prior=narrow, **numbers, solver="pgd", box=True, n_iter=30)
    conditions = held(found.certificate)
    broken = {name for name, holds in conditions.items() if not holds}
    assert {"eta < 1 / L_h", "no box", "nothing clipped", "first image in range"} <= broken
    small = LearnedPrior(bent(replace(SETTINGS, side=4)))
    averaged = lpn_of_item(real, data, prior=small, **numbers | {"stride": 2}, patches="averaged", n_iter=3)
    assert averaged.certificate is not None
    assert not held(averaged.certificate)["exact patches"]
    assert "objective never rises" not in held(averaged.certificate)
    assert "prior_after" not in averaged.certificate.figures


@pytest.mark.parametrize("channels", [1, 2])
def test_complex_images_by_magnitude_and_by_parts_have_a_prior(
    channels: int, bent: Callable[[IcnnSettings], Icnn], turned: Any
) -> None:
    """Of one channel, by a network that makes nothing negative of this image."""
    operator, y = turned
    network = bent(replace(SETTINGS, channels=channels))
    if channels == 1:
        for layer in (network.lin[0], *network.res):
            layer.weight.data.abs_().div_(4)
    numbers: dict[str, Any] = {"solver": "pgd", "n_iter": 400, "tol": 1e-9, "stride": 8, "certified": True}
    found = lpn_of_item(operator, y, prior=LearnedPrior(network), **numbers)
    assert found.certificate is not None and found.image.is_complex()
    assert held(found.certificate)["nothing clipped"] and held(found.certificate)["prior of last image found"]
    figures, unit = found.certificate.figures, float(bright(first_image(operator, operator.adjoint(y)), 2))
    assert figures["inversion_residual_after"] < 1e-5
    assert figures["prior_after"] == pytest.approx(dict(found.trace[-1].figures)["prior"] / unit**2, rel=1e-5)


def test_where_magnitudes_are_clipped_the_prior_is_not_known(prior: LearnedPrior, turned: Any) -> None:
    found = lpn_of_item(*turned, prior=prior, n_iter=100, stride=8, certified=True)
    conditions = held(found.certificate)
    assert found.certificate is not None
    assert not conditions["nothing clipped"] and not conditions["prior of last image found"]
    assert math.isnan(found.certificate.figures["prior_after"])
    assert found.certificate.figures["inversion_residual_after"] > 1e-3


def test_single_precision_is_computed_in_it(prior: LearnedPrior, real: MatrixOperator, data: Tensor) -> None:
    """By a copy: others may hold the same network."""
    assert prior.prox("exact", 8, (9, 7), torch.float64).network is prior.network
    found = lpn_of_item(real.float(), data.float(), prior=prior, n_iter=9, stride=8, certified=True)
    assert found.image.dtype == torch.float32 and held(found.certificate)["objective never rises"]
    assert prior.prox("exact", 8, (9, 7), torch.complex64).network.lin[0].weight.dtype == torch.float32
    assert prior.network.lin[0].weight.dtype == torch.float64


def test_what_is_not_reached_or_found_is_told(
    prior: LearnedPrior, real: MatrixOperator, data: Tensor
) -> None:
    found = lpn_of_item(real, data, prior=prior, n_iter=2, stride=8, n_newton=1, certified=True)
    assert found.certificate is not None
    told = {condition.name: condition for condition in found.certificate.conditions}
    assert not told["fixed point reached"].holds
    assert not told["prior of first image found"].holds
    assert math.isnan(found.certificate.figures["prior_before"])
    residual = found.certificate.figures["inversion_residual_before"]
    assert residual > 1e-3 and f"at most 0.001, got {residual:.3g}" in told["prior of first image found"].text
    without = lpn_of_item(real, data, prior=prior, n_iter=2, stride=8, n_newton=0, certified=True)
    assert "prior of first image found" not in held(without.certificate)


def test_what_does_not_fit_is_unsuitable(prior: LearnedPrior, real: MatrixOperator, data: Tensor) -> None:
    for numbers, sentence in (
        ({"rho": 0.99}, "rho must be above L_h = 1, got 0.99"),
        ({"solver": "pgd", "eta": 1.0}, "eta must be below 1 / L_h = 1, got 1"),
        ({"solver": "pgd", "s": 2.0, "eta": 0.3}, "eta must be below 1 / L_h = 0.25, got 0.3"),
        ({"stride": 3}, "stride must divide the side 8"),
        ({"patches": "averaged"}, "images must be at least 8 x 8 for averaged patches"),
    ):
        arguments: dict[str, Any] = {"stride": 8} | numbers
        with pytest.raises(UnsuitableError, match=sentence):
            lpn_of_item(real, data, prior=prior, **arguments)

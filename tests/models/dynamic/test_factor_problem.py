"""Check 5 of the specification: gradients against autograd; and what both updates make of the objective."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.adam import unfallen, zero_moments
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.factor_updates import balanced, best_knots, update_by_adam, update_by_cg

SUPPORT = torch.ones(6, 5, dtype=torch.bool)
SUPPORT[0, 0] = SUPPORT[5, 4] = False


def posed(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool, **numbers: Any
) -> tuple[FactorProblem, Factors, Tensor]:
    operator = frames(complex_valued=complex_valued)
    dtype = torch.complex128 if complex_valued else torch.float64

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=dtype, generator=rng)

    basis = torch.randn(12, 5, dtype=torch.float64, generator=rng)
    y = operator.masked(random(*operator.range_shape))
    numbers = {"beta": 0.3, "xi": 0.02, "chi": 0.05, "support": SUPPORT} | numbers
    problem = FactorProblem(operator, y, basis, **numbers)
    return problem, Factors(problem.masked(random(3, 6, 5)), random(5, 3)), random(12, 6, 5)


def objective(problem: FactorProblem, spatial: Tensor, knots: Tensor, v: Tensor) -> Tensor:
    """J written out, over all frames at once."""
    spatial = spatial * SUPPORT
    psi = problem.basis.to(knots.dtype) @ knots
    x = torch.einsum("tk,kyx->tyx", psi, spatial)
    data = (problem.operator.forward(x) - problem.y).abs().square().sum() / 12
    coupling = problem.beta / 2 * (x - v).abs().square().sum()
    return (
        data + problem.xi * psi.abs().square().sum() + problem.chi * spatial.abs().square().sum() + coupling
    )


@pytest.mark.parametrize("complex_valued", [False, True])
def test_gradients_are_those_of_autograd(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool
) -> None:
    problem, factors, v = posed(frames, rng, complex_valued)
    spatial, knots = (part.clone().requires_grad_() for part in factors)
    value = objective(problem, spatial, knots, v)
    value.backward()
    slope = problem.slope(factors, v)
    assert slope.value == pytest.approx(value.item(), rel=1e-12)
    for found, wanted in ((slope.spatial, spatial.grad), (slope.knots, knots.grad)):
        assert wanted is not None
        assert (found - wanted).norm() < 1e-12 * wanted.norm()
    assert not slope.spatial[:, ~SUPPORT].any()


@pytest.mark.parametrize("complex_valued", [False, True])
def test_the_memory_budget_decides_no_digit_that_matters(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool
) -> None:
    problem, factors, v = posed(frames, rng, complex_valued)
    small = FactorProblem(**(vars(problem) | {"memory_bytes": 3000}))
    assert len(list(small.pieces())) >= 3 and len(list(problem.pieces())) == 1
    for found, wanted in zip(small.slope(factors, v), problem.slope(factors, v), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    systems = small.knot_system(factors.spatial, v), problem.knot_system(factors.spatial, v)
    for found, wanted in zip(*systems, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    seen = list[int]()
    apply = small.operator.apply_frames
    small.operator.apply_frames = lambda x, frames: seen.append(len(x)) or apply(x, frames)  # type: ignore[method-assign, func-returns-value]
    update_by_cg(small, factors, v, n_steps=2)
    assert max(seen) < 12


@pytest.mark.parametrize("complex_valued", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_exact_knots_leave_no_gradient(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool, beta: float
) -> None:
    problem, factors, v = posed(frames, rng, complex_valued, beta=beta)
    before = problem.slope(factors, v)
    after = problem.slope(Factors(factors.spatial, best_knots(problem, factors, v)), v)
    assert after.knots.norm() < 1e-7 * before.knots.norm() and after.value < before.value


@pytest.mark.parametrize("complex_valued", [False, True])
def test_cg_ends_at_the_best_spatial_functions(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool
) -> None:
    problem, factors, v = posed(frames, rng, complex_valued, xi=0.0, chi=0.0)
    found = update_by_cg(problem, factors, v, n_steps=120)
    slope = problem.slope(found, v)
    assert slope.spatial.norm() < 1e-8 * problem.slope(factors, v).spatial.norm()
    assert not found.spatial[:, ~SUPPORT].any()
    again = update_by_cg(problem, found, v, n_steps=5)
    assert problem.slope(again, v).value <= slope.value


@pytest.mark.parametrize("complex_valued", [False, True])
def test_balanced_factors_are_the_cheapest_of_the_same_series(
    frames: Callable[..., Any], rng: torch.Generator, complex_valued: bool
) -> None:
    problem, factors, _ = posed(frames, rng, complex_valued)
    found = balanced(problem, factors)
    torch.testing.assert_close(problem.series(found), problem.series(factors))
    s = torch.linalg.svdvals(problem.series(factors).flatten(1))
    least = 2 * (problem.xi * problem.chi) ** 0.5 * float(s.sum())
    assert problem.penalty(found, problem.functions(found.knots)) == pytest.approx(least, rel=1e-10)
    assert problem.penalty(factors, problem.functions(factors.knots)) > 1.01 * least
    unused = Factors(torch.cat([found.spatial[:2], 0 * found.spatial[2:]]), found.knots)
    again = balanced(problem, unused)
    torch.testing.assert_close(problem.series(again), problem.series(unused))
    assert problem.functions(again.knots)[:, 2].norm() > 0  # a function without an image may still get one


def test_adam_is_that_of_torch_with_a_rate_that_falls_and_squares_that_do_not(
    frames: Callable[..., Any], rng: torch.Generator
) -> None:
    problem, factors, v = posed(frames, rng, complex_valued=False)
    parts = [part.clone().requires_grad_() for part in factors]
    rates = (0.02, 0.005)
    optimiser = torch.optim.Adam([{"params": [x], "lr": rate} for x, rate in zip(parts, rates, strict=True)])
    moments = zero_moments(factors.spatial), zero_moments(factors.knots)
    fell = False
    for _ in range(2):  # the moments go on between rounds, the rate begins anew
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=6)
        for _ in range(6):
            before = [optimiser.state[x]["exp_avg_sq"].clone() for x in parts if optimiser.state[x]]
            optimiser.zero_grad()
            objective(problem, *parts, v).backward()
            optimiser.step()
            falling.step()
            for x, least in zip(parts, before, strict=False):  # none before the first step
                square = optimiser.state[x]["exp_avg_sq"]
                fell = fell or bool((square < least).any())
                square.copy_(torch.maximum(square, least))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = group["initial_lr"] = rate
        factors, moments = update_by_adam(problem, factors, v, moments, n_steps=6, rates=rates)
    assert fell
    torch.testing.assert_close(factors.spatial, problem.masked(parts[0].detach()))
    torch.testing.assert_close(factors.knots, parts[1].detach())


def test_squares_of_complex_arrays_last_in_both_parts() -> None:
    before = zero_moments(torch.zeros(2, dtype=torch.complex128))._replace(
        square=torch.tensor([1 + 5j, 4 + 0j], dtype=torch.complex128)
    )
    after = before._replace(square=torch.tensor([2 + 3j, 3 + 1j], dtype=torch.complex128))
    assert unfallen(after, before).square.tolist() == [2 + 5j, 4 + 1j]

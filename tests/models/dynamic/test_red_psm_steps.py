"""Checks 6 and 7 of the specification: the image and dual updates of the bilinear ADMM."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.dynamic.red_psm_admm import BilinearAdmm
from proxflow.models.dynamic.red_psm_state import FIGURES, RedPsmState
from proxflow.models.dynamic.series_report import SeriesReport

LAM, BETA = 0.4, 0.3
KERNEL = torch.zeros(6, 5, dtype=torch.float64)
for _row in (-1, 0, 1):
    for _column in (-1, 0, 1):
        KERNEL[_row, _column] = torch.tensor(-(_row**2 + _column**2) / 1.5).exp()
TRANSFER = torch.fft.fft2(KERNEL / KERNEL.sum()).real  # of a symmetric kernel: W is symmetric and linear


def blur(series: Tensor) -> Tensor:
    """W of every frame: a circulant Gaussian."""
    found = torch.fft.ifft2(TRANSFER * torch.fft.fft2(series))
    return found if series.is_complex() else found.real


@pytest.fixture
def admm(frames: Callable[..., Any], rng: torch.Generator) -> Callable[..., BilinearAdmm]:
    def make(complex_valued: bool = False, **changed: Any) -> BilinearAdmm:
        operator = frames(complex_valued=complex_valued)
        dtype = torch.complex128 if complex_valued else torch.float64
        y = operator.masked(torch.randn(operator.range_shape, dtype=dtype, generator=rng))
        basis = torch.linalg.qr(torch.randn(12, 5, dtype=torch.float64, generator=rng))[0]
        problem = FactorProblem(operator, y, basis, BETA, 1e-3, 1e-3)
        report = SeriesReport(operator, y, split_views(operator.mask, 0.1, 0), 2**20)
        numbers: dict[str, Any] = {
            "denoise": blur, "lam": LAM, "nonnegative": False, "n_red": 1, "factor_update": "cg",
            "n_inner": 40, "rates": (0.01, 0.01), "deliver": "object",
        }  # fmt: skip
        return BilinearAdmm(problem, report=report, **(numbers | changed))

    return make


def random_factors(solver: BilinearAdmm, rng: torch.Generator) -> Factors:
    dtype = solver.problem.y.dtype
    shape = solver.problem.operator.frame_domain
    return Factors(
        torch.randn(3, *shape, dtype=dtype, generator=rng), torch.randn(5, 3, dtype=dtype, generator=rng)
    )


@pytest.mark.parametrize("complex_valued", [False, True])
def test_image_update_with_a_linear_denoiser_ends_at_the_closed_form(
    admm: Callable[..., BilinearAdmm], rng: torch.Generator, complex_valued: bool
) -> None:
    """f = (lam (I - W) + beta I)^-1 beta (L Psi^T + gamma), W diagonal in Fourier space."""
    solver = admm(complex_valued, n_red=150)
    target = solver.problem.series(random_factors(solver, rng))
    found, denoised = solver.update_image(target, torch.zeros_like(target), torch.zeros_like(target))
    exact = torch.fft.ifft2(BETA * torch.fft.fft2(target) / (LAM * (1 - TRANSFER) + BETA))
    torch.testing.assert_close(found, exact if complex_valued else exact.real)
    torch.testing.assert_close(denoised, blur(found))


def test_image_update_with_the_identity_returns_its_target_in_the_limit(
    admm: Callable[..., BilinearAdmm], rng: torch.Generator
) -> None:
    solver = admm(denoise=lambda f: f, n_red=120)
    target = solver.problem.series(random_factors(solver, rng))
    found, _ = solver.update_image(target, torch.zeros_like(target), torch.zeros_like(target))
    torch.testing.assert_close(found, target)
    once, _ = admm(denoise=lambda f: f).update_image(target, torch.zeros_like(target), target)
    torch.testing.assert_close(once, BETA / (LAM + BETA) * target)  # one step from f = 0


def test_image_update_without_weight_takes_one_step_and_no_denoiser(
    admm: Callable[..., BilinearAdmm], rng: torch.Generator
) -> None:
    def never(series: Tensor) -> Tensor:
        raise AssertionError("the denoiser must not be called with lam = 0")

    solver = admm(denoise=never, lam=0.0, n_red=3)
    target = solver.problem.series(random_factors(solver, rng))
    assert torch.equal(solver.update_image(target, target.new_zeros(0), target)[0], target)


def test_nonnegative_image_update_meets_its_optimality_condition(
    admm: Callable[..., BilinearAdmm], rng: torch.Generator
) -> None:
    """lam (f - W f) + beta (f - target) is 0 where f > 0 and at least 0 where f = 0."""
    solver = admm(nonnegative=True, n_red=200)
    target = solver.problem.series(random_factors(solver, rng))
    f, _ = solver.update_image(target, torch.zeros_like(target), torch.zeros_like(target))
    slope = LAM * (f - blur(f)) + BETA * (f - target)
    assert (f == 0).any() and (f >= 0).all()
    torch.testing.assert_close(slope[f > 0], torch.zeros_like(slope[f > 0]), atol=1e-9, rtol=0)
    assert (slope[f == 0] > -1e-9).all()


def test_a_fixed_point_stays(admm: Callable[..., BilinearAdmm], rng: torch.Generator) -> None:
    """At f = L Psi^T and lam (f - D(f)) = beta gamma, (11) and (12) change nothing."""
    solver = admm()
    x = solver.problem.series(random_factors(solver, rng))
    gamma = LAM / BETA * (x - blur(x))
    f, _ = solver.update_image(x + gamma, blur(x), x)
    torch.testing.assert_close(f, x)
    torch.testing.assert_close(gamma + x - f, gamma)


def test_the_iteration_ends_at_a_fixed_point(admm: Callable[..., BilinearAdmm], rng: torch.Generator) -> None:
    """f = L Psi^T and lam (f - D(f)) = beta gamma, ever more closely, for data of a series of this rank."""
    solver = admm()
    factors = random_factors(solver, rng)
    y = solver.problem.operator.forward(solver.problem.series(factors))
    solver = replace(solver, problem=replace(solver.problem, y=y), n_inner=12)
    state = solver.start(factors, 1.0)
    distances = []
    for _ in range(80):
        state = solver.step(state)
        x = solver.problem.series(state.factors)
        wanted = LAM / BETA * (state.f - blur(state.f))
        apart = (x - state.f).norm() / x.norm(), (wanted - state.gamma).norm() / wanted.norm()
        distances.append([float(distance) for distance in apart])
    primal, dual = zip(*distances, strict=True)
    assert primal[-1] < 3e-4 < primal[20] < 0.01 < primal[0]
    assert dual[-1] < 0.015 < dual[20] < 0.1 < dual[0]


@pytest.mark.parametrize("complex_valued", [False, True])
def test_reported_numbers_are_those_of_the_equations(
    admm: Callable[..., BilinearAdmm], rng: torch.Generator, complex_valued: bool
) -> None:
    solver = admm(complex_valued)
    state: RedPsmState = solver.start(random_factors(solver, rng), 1.0)
    for _ in range(2):
        before, state = state, solver.step(state)
    problem, report = solver.problem, solver.report
    x, f, gamma = problem.series(state.factors), state.f, state.gamma
    psi = problem.functions(state.knots)
    misfit = (problem.operator.forward(x) - problem.y).abs().square().sum() / 12
    rho = 0.5 * (f.conj() * (f - blur(f))).real.sum()
    objective = misfit + LAM * rho
    objective += 1e-3 * (psi.abs().square().sum() + state.spatial.abs().square().sum())
    coupling = (x - f + gamma).abs().square().sum() - gamma.abs().square().sum()
    held = report.views.held
    given = report.operator.with_mask(report.views.given)
    expected = {
        "primal_residual": (x - f).norm() / x.norm(),
        "dual_norm": gamma.norm() / x.norm(),
        "held_out_residual": (report.operator.forward(f) - report.y)[held].norm() / report.y[held].norm(),
        "lagrangian": objective + BETA / 2 * coupling,
    }
    values = state.numbers.tolist()
    assert values[0] == pytest.approx(float(objective), rel=1e-10)
    assert values[1] == pytest.approx(float((f - before.f).norm() / f.norm()), rel=1e-10)
    residual = (given.forward(f) - given.masked(report.y)).norm() / given.masked(report.y).norm()
    assert values[2] == pytest.approx(float(residual), rel=1e-10)
    found = dict(zip(solver.names, values[FIGURES:], strict=True))
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-10)

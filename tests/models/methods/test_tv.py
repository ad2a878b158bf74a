import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.tv import tv
from proxflow.models.priors.total_variation import total_variation
from proxflow.models.solvers.iteration import Checkpoint
from proxflow.operators.dense import MatrixOperator


def differences(x: Tensor) -> Tensor:
    return torch.stack([x.diff(dim=-2, append=x[..., -1:, :]), x.diff(dim=-1, append=x[..., -1:])], dim=-3)


def primal_dual(matrix: Tensor, y: Tensor, lam: float, n_iter: int) -> Tensor:
    """The TV problem by Chambolle & Pock (2011) on K = [A; D], which shares no step with FISTA."""
    x = torch.zeros(9, 7, dtype=y.dtype)
    x_bar, p, q = x, torch.zeros_like(y), torch.zeros(2, 9, 7, dtype=y.dtype)
    tau, sigma = 0.03, 3.6  # tau sigma ||K||^2 <= 0.108 (1 + 8) < 1; the longer dual steps converge sooner
    for _ in range(n_iter):
        p = (p + sigma * (matrix @ x_bar.flatten() - y)) / (1 + sigma)
        q = q + sigma * differences(x_bar)
        q = q / (q.abs().square().sum(0).sqrt() / lam).clamp_min(1)
        down, right = q[0].clone(), q[1].clone()
        down[1:] -= q[0, :-1]
        down[-1] = -q[0, -2]
        right[:, 1:] -= q[1, :, :-1]
        right[:, -1] = -q[1, :, -2]
        x_new = x - tau * ((matrix.mH @ p).reshape(9, 7) - down - right)
        x, x_bar = x_new, 2 * x_new - x
    return x


def test_tv_meets_an_independent_solver(overdetermined: Any, many_y: Tensor) -> None:
    lam, dense, y = 0.02, overdetermined, many_y[1]

    def objective(x: Tensor) -> float:
        gradient = differences(x).abs().square().sum(0).sqrt().sum()
        return (0.5 * (dense.forward(x) - y).abs().square().sum() + lam * gradient).item()

    expected = primal_dual(dense.matrix, y, lam, 3000)
    result = tv(dense, y, n_iter=200, lam=lam, tol=0, n_inner=30)
    assert abs(objective(result.image) - objective(expected)) < 1e-9 * objective(expected)
    assert abs(result.trace[-1].objective - objective(result.image)) < 1e-12
    assert (result.image - expected).norm() < 1e-4 * expected.norm()


def test_tv_with_a_huge_penalty_is_the_best_constant(dense: Any, y: Tensor) -> None:
    y = y[0]
    ones = dense.forward(torch.ones(9, 7, dtype=y.dtype))
    constant = torch.vdot(ones, y) / torch.vdot(ones, ones)
    image = tv(dense, y, n_iter=200, lam=1.0, tol=0, n_inner=100).image
    torch.testing.assert_close(image, constant.expand(9, 7), rtol=0, atol=1e-6)


def test_tv_default_inner_iterations_are_enough(dense: Any, y: Tensor) -> None:
    """Inexact inner solutions, continued from one another, end at the objective of exact ones."""
    exact = tv(dense, y[1], n_iter=150, lam=0.02, tol=0, n_inner=100).trace[-1].objective
    default = tv(dense, y[1], n_iter=150, lam=0.02, tol=0).trace[-1].objective
    assert abs(default - exact) < 1e-4 * exact
    assert total_variation(tv(dense, y[1], lam=0.02).image) < total_variation(dense.adjoint(y[1]))


def test_tv_objective_settles_though_the_inner_problem_is_cut_short(dense: Any, y: Tensor) -> None:
    """Momentum would carry the inner errors on: without a restart the objective rises and stays high."""
    exact = tv(dense, y[1], n_iter=150, lam=0.2, tol=0, n_inner=100).trace[-1].objective
    objectives = [report.objective for report in tv(dense, y[1], n_iter=150, lam=0.2, tol=0, n_inner=1).trace]
    assert objectives[-1] < 1.001 * exact
    assert objectives[-1] < min(objectives) + 1e-4 * exact


def scan_of(shape: tuple[int, ...], rng: torch.Generator) -> tuple[MatrixOperator, Tensor]:
    """Real measurements, fewer than the pixels, of an object that is 0 in half of its domain."""
    n = math.prod(shape)
    matrix = torch.randn(2 * n // 3, n, dtype=torch.float64, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), shape, (len(matrix),))
    x = torch.zeros(shape, dtype=torch.float64)
    x[..., 1:4, :2] = 1
    y = operator.forward(x)
    y = y + 0.03 * torch.randn(y.shape, dtype=y.dtype, generator=rng)
    return operator, y / operator.adjoint(y).abs().max()


def constrained_primal_dual(operator: MatrixOperator, y: Tensor, lam: float, n_iter: int) -> Tensor:
    """TV with x >= 0 by Chambolle & Pock (2011) on K = [A; D], D as a matrix: no step of FISTA's."""
    shape = operator.domain_shape
    n_axes, n = len(shape), math.prod(shape)
    units = torch.eye(n, dtype=y.dtype).reshape(n, *shape)
    parts = []
    for axis in range(1, n_axes + 1):
        parts.append(
            units.diff(dim=axis, append=units.narrow(axis, units.shape[axis] - 1, 1)).reshape(n, n).T
        )
    d, a = torch.cat(parts), operator.matrix
    x = x_bar = torch.zeros(n, dtype=y.dtype)
    p, q = torch.zeros_like(y), torch.zeros(n_axes * n, dtype=y.dtype)
    tau = sigma = 0.99 / math.sqrt(1 + 4 * n_axes)
    for _ in range(n_iter):
        p = (p + sigma * (a @ x_bar - y)) / (1 + sigma)
        q = (q + sigma * (d @ x_bar)).reshape(n_axes, n)
        q = (q / (q.square().sum(0).sqrt() / lam).clamp_min(1)).flatten()
        x_new = (x - tau * (a.T @ p + d.T @ q)).clamp_min(0)
        x, x_bar = x_new, 2 * x_new - x
    return x.reshape(shape)


@pytest.mark.parametrize("shape", [(7, 6), (3, 5, 4)])
def test_tv_with_nonnegativity_meets_an_independent_solver(
    shape: tuple[int, ...], rng: torch.Generator
) -> None:
    operator, y = scan_of(shape, rng)
    lam = 0.01
    expected = constrained_primal_dual(operator, y, lam, 4000)
    result = tv(operator, y, n_iter=300, lam=lam, tol=0, n_inner=20, nonnegative=True)
    free = tv(operator, y, n_iter=300, lam=lam, tol=0, n_inner=20)
    assert (expected == 0).any() and (free.image < -0.01).any()  # the constraint matters here
    assert (result.image >= 0).all()
    assert (result.image - expected).norm() < 1e-4 * expected.norm()
    misfit = 0.5 * (operator.forward(expected) - y).square().sum()
    objective = (misfit + lam * total_variation(expected, n_axes=len(shape))).item()
    assert result.trace[-1].objective == pytest.approx(objective, rel=1e-7)
    assert free.trace[-1].objective < objective


def test_tv_of_a_volume_resumes_to_the_same_bits(rng: torch.Generator) -> None:
    operator, y = scan_of((3, 5, 4), rng)
    saved: list[tuple[Tensor, ...]] = []
    run = partial(tv, operator, y, lam=0.01, tol=0, nonnegative=True)
    first = run(n_iter=4, monitor=lambda _, state: saved.append(state))
    trace = [report._replace(n_iter=9) for report in first.trace]
    resumed, undisturbed = run(n_iter=9, resume=Checkpoint(4, saved[-1], trace)), run(n_iter=9)
    assert torch.equal(resumed.image, undisturbed.image) and resumed.trace == undisturbed.trace


def test_tv_with_nonnegativity_of_complex_data_is_real(dense: Any, y: Tensor) -> None:
    image = tv(dense, y, n_iter=20, lam=0.01, nonnegative=True).image
    assert image.dtype == y.dtype and not image.imag.any()
    assert (image.real >= 0).all() and image.real.any()


def test_tv_refuses_signals(rng: torch.Generator) -> None:
    operator = MatrixOperator(torch.eye(4), (4,), (4,))
    with pytest.raises(ValueError, match="n_axes must be 2 or 3, got 1"):
        tv(operator, torch.ones(4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("nonnegative", [False, True])
def test_tv_of_a_volume_on_cuda_is_as_on_the_cpu(nonnegative: bool, rng: torch.Generator) -> None:
    operator, y = scan_of((3, 5, 4), rng)
    expected = tv(operator, y, n_iter=20, lam=0.01, tol=0, nonnegative=nonnegative).image
    found = tv(operator.cuda(), y.cuda(), n_iter=20, lam=0.01, tol=0, nonnegative=nonnegative).image
    torch.testing.assert_close(found.cpu(), expected)

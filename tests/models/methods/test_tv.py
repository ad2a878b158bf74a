from typing import Any

import torch
from torch import Tensor

from proxflow.models.methods.tv import tv
from proxflow.models.priors.total_variation import total_variation


def differences(x: Tensor) -> Tensor:
    return torch.stack([x.diff(dim=-2, append=x[..., -1:, :]), x.diff(dim=-1, append=x[..., -1:])], dim=-3)


def primal_dual(matrix: Tensor, y: Tensor, lam: float, n_iter: int) -> Tensor:
    """The TV problem by Chambolle & Pock (2011) on K = [A; D], which shares no step with FISTA."""
    x = torch.zeros(9, 7, dtype=y.dtype)
    x_bar, p, q = x, torch.zeros_like(y), torch.zeros(2, 9, 7, dtype=y.dtype)
    tau = sigma = 0.33  # tau sigma ||K||^2 <= 0.33^2 (1 + 8) < 1
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


def test_tv_meets_an_independent_solver(dense: Any, y: Tensor) -> None:
    lam, y = 0.02, y[1]

    def objective(x: Tensor) -> float:
        gradient = differences(x).abs().square().sum(0).sqrt().sum()
        return (0.5 * (dense.forward(x) - y).abs().square().sum() + lam * gradient).item()

    expected = primal_dual(dense.matrix, y, lam, 10000)
    result = tv(dense, y, n_iter=600, lam=lam, tol=0, n_inner=30)
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

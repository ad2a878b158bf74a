import math
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers import constrained_admm as module
from proxflow.models.solvers.constrained_admm import (
    ConstrainedState,
    constrained_admm,
    constrained_start,
    constrained_step,
    data_step,
    project_ball,
)
from proxflow.operators.dense import MatrixOperator

KAPPA = 0.05


@pytest.fixture
def operator(rng: torch.Generator) -> MatrixOperator:
    matrix = torch.randn(20, 60, dtype=torch.complex128, generator=rng)
    return MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (3, 4, 5), (20,))


@pytest.fixture
def y(operator: MatrixOperator, rng: torch.Generator) -> Tensor:
    """Two sparse scenes of random phase, with a hundredth of noise."""
    x = torch.zeros(2, 3, 4, 5, dtype=torch.complex128)
    x[0, 1, 2, 3], x[0, 2, 0, 1], x[1, 0, 1, 1] = 2j, -1.0, 0.7 - 0.7j
    y = operator.forward(x)
    noise = torch.randn(y.shape, dtype=y.dtype, generator=rng)
    return y + 0.01 * noise * y.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)


def threshold(alpha: float) -> Any:
    return lambda magnitude, memory: (soft_threshold(magnitude, alpha), memory)


def solve(operator: MatrixOperator, y: Tensor, **changed: Any) -> tuple[Tensor, Any]:
    numbers = {"kappa": KAPPA, "epsilon": 0.02, "n_iter": 400, "tol": 0.0} | changed
    denoise = numbers.pop("denoise", threshold(0.05))
    return constrained_admm(operator, y, denoise, y.real.new_zeros(0), **numbers)


def test_ball_projection(y: Tensor, rng: torch.Generator) -> None:
    z = torch.randn(y.shape, dtype=y.dtype, generator=rng)
    z[1] = y[1] + 1e-3 * z[1]
    epsilon = torch.tensor([0.3, 0.3], dtype=torch.float64)
    found = project_ball(z, y, epsilon)
    assert (found - y).norm(dim=-1)[0] == pytest.approx(0.3, rel=1e-12)
    assert torch.equal(found[1], z[1])
    torch.testing.assert_close(project_ball(found, y, epsilon), found, rtol=1e-14, atol=1e-15)
    q = z[0] - y[0]
    torch.testing.assert_close(found[0], y[0] + 0.3 * q / q.norm())
    assert torch.equal(project_ball(y, y, 0 * epsilon), y)


def test_first_step_changes_nothing(operator: MatrixOperator, y: Tensor) -> None:
    for worth in (0, 10**6):  # by CG, by Woodbury
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "WOODBURY_APPLIED", worth)
            update = data_step(operator, y, KAPPA, 1)
        s = operator.adjoint(y)
        start = constrained_start(s, operator.forward(s), y.real.new_zeros(0), 3)
        ones = torch.ones(2, dtype=torch.float64)
        state = constrained_step(
            start,
            y=y,
            epsilon=ones,
            peak=ones,
            data_step=update,
            denoise=threshold(0.1),
            tol=1e-3,
            n_axes=3,
        )
        torch.testing.assert_close(state.s, s)
        assert all(part.isfinite().all() for part in state)
        assert (state.change == 1).all()  # which is no reason to stop


def test_cg_and_woodbury_go_to_one_solution(
    operator: MatrixOperator, y: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, trace = solve(operator, y, n_iter=300)
    monkeypatch.setattr(module, "WOODBURY_APPLIED", 0)
    by_cg, _ = solve(operator, y, n_iter=300)
    assert len(trace) == 300
    assert (exact - by_cg).norm() < 1e-4 * exact.norm()


def test_fixed_point_meets_the_conditions(operator: MatrixOperator, y: Tensor) -> None:
    last: list[ConstrainedState] = []
    numbers: dict[str, Any] = {"monitor": lambda _, state: last.append(state)}
    s, trace = solve(operator, y, n_iter=1500, **numbers)
    state = last[-1]
    torch.testing.assert_close(state.u1, s, rtol=0, atol=1e-8)
    torch.testing.assert_close(state.u2, operator.forward(s), rtol=0, atol=1e-8)
    torch.testing.assert_close(state.a_s, operator.forward(s), rtol=0, atol=1e-12)
    misfit = (operator.forward(s) - y).norm(dim=-1) / y.norm(dim=-1)
    assert (misfit <= 0.02 * (1 + 1e-6)).all()
    assert (KAPPA * state.d1 + operator.adjoint(state.d2)).norm() < 1e-8
    joint = ((operator.forward(s) - y).norm() / y.norm()).item()
    assert trace[-1].data_residual == pytest.approx(joint, rel=1e-6)
    assert math.isnan(trace[-1].objective)


def test_solution_is_the_sparsest_by_optimality(operator: MatrixOperator, y: Tensor) -> None:
    """min sum |s| in the ball: |A^H r| is constant where s is not 0, smaller elsewhere, r = y - A s."""
    s, _ = solve(operator, y[:1], n_iter=1500)
    gradient = operator.adjoint(y[:1] - operator.forward(s))
    at = s.abs() > 1e-3 * s.abs().max()
    level = gradient[at].abs().mean()
    torch.testing.assert_close(gradient[at] / level, s[at] / s[at].abs(), rtol=0, atol=1e-3)
    assert (gradient[~at].abs() < level * (1 + 1e-3)).all()
    other, _ = solve(operator, y[:1], n_iter=1500, denoise=threshold(0.2))
    assert (s - other).norm() < 1e-3 * s.norm()  # alpha is the way there, not the solution


def test_without_a_prior_the_data_are_met(operator: MatrixOperator, y: Tensor) -> None:
    _, trace = solve(operator, y, n_iter=400, epsilon=0.0, denoise=lambda m, memory: (m, memory))
    assert trace[-1].data_residual < 1e-6


def test_items_stop_by_themselves_and_as_if_alone(operator: MatrixOperator, y: Tensor) -> None:
    y = y * torch.tensor([[1.0], [300.0]])
    together, trace = solve(operator, y, tol=1e-4)
    alone = [solve(operator, item, tol=1e-4) for item in y]
    assert len({len(each) for _, each in alone}) == 2  # they stop at different times
    assert len(trace) == max(len(each) for _, each in alone)
    for found, (expected, _) in zip(together, alone, strict=True):
        torch.testing.assert_close(found, expected)


def test_scale_of_the_data_passes_through(operator: MatrixOperator, y: Tensor) -> None:
    s, _ = solve(operator, y, n_iter=20)
    scaled, _ = solve(operator, (3 - 4j) * 1e6 * y, n_iter=20)
    torch.testing.assert_close(scaled, (3 - 4j) * 1e6 * s)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kappa": 0.0}, "kappa must be positive, got 0.0"),
        ({"epsilon": -0.1}, "epsilon must be at least 0, got -0.1"),
        ({"epsilon": math.nan}, "epsilon must be at least 0, got nan"),
    ],
)
def test_bad_numbers_are_refused(
    operator: MatrixOperator, y: Tensor, changed: dict[str, float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        solve(operator, y, **changed)

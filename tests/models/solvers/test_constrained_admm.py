import math
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.constrained_admm import constrained_admm
from proxflow.models.solvers.constrained_step import (
    AdmmNumbers,
    ConstrainedState,
    constrained_start,
    constrained_step,
    project_ball,
)
from proxflow.models.solvers.data_step import DataUpdate, data_step
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
    return lambda magnitude, memory, strength: (soft_threshold(magnitude, strength * alpha), memory)


def solve(operator: MatrixOperator, y: Tensor, **changed: Any) -> tuple[Tensor, Any]:
    numbers = {"kappa": KAPPA, "epsilon": 0.02, "n_iter": 400, "tol": 0.0} | changed
    denoise, monitor = numbers.pop("denoise", threshold(0.05)), numbers.pop("monitor", None)
    admm = AdmmNumbers(**numbers)
    return constrained_admm(operator, y, denoise, y.real.new_zeros(0), admm, monitor=monitor)


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


@pytest.mark.parametrize("update", ["cg", "woodbury"])
@pytest.mark.parametrize("form", ["constrained", "unconstrained"])
def test_first_step_changes_nothing(
    update: DataUpdate, form: str, operator: MatrixOperator, y: Tensor
) -> None:
    s = operator.adjoint(y)
    ones = torch.ones(2, dtype=torch.float64)
    state = constrained_step(
        constrained_start(s, operator.forward(s), y.real.new_zeros(0), 3),
        y=y,
        epsilon=ones if form == "constrained" else None,
        peak=ones,
        data_step=data_step(operator, y, KAPPA, 1, update=update),
        denoise=threshold(0.1),
        numbers=AdmmNumbers(KAPPA, 1.0, 1, 1e-3),
        n_axes=3,
    )
    torch.testing.assert_close(state.s, s)
    assert all(part.isfinite().all() for part in state)
    assert (state.change == 1).all()  # which is no reason to stop


def test_cg_and_woodbury_go_to_one_solution(operator: MatrixOperator, y: Tensor) -> None:
    exact, trace = solve(operator, y, n_iter=300, update="woodbury")
    by_cg, _ = solve(operator, y, n_iter=300, update="cg")
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
    figures = dict(trace[-1].figures)
    assert figures["split"] < 1e-8 and figures["data split"] < 1e-8
    assert figures["dual"] == pytest.approx((state.d1.norm() / s.norm()).item())
    assert figures["data dual"] == pytest.approx((state.d2.norm() / y.norm()).item())
    assert figures["misfit over epsilon"] == pytest.approx((misfit / 0.02).max().item(), rel=1e-6)


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
    """By the image with least change from the start: of all that meet them the smallest, A^+ y, as the start
    has nothing that A does not see."""
    s, trace = solve(operator, y, n_iter=400, epsilon=0.0, denoise=lambda m, memory, _: (m, memory))
    assert trace[-1].data_residual < 1e-6
    smallest = torch.linalg.lstsq(operator.matrix, y.T, driver="gelsd").solution.T
    torch.testing.assert_close(s, smallest.reshape(s.shape), rtol=0, atol=1e-5 * float(s.abs().max()))


def test_without_a_constraint_it_is_the_regularised_minimum(operator: MatrixOperator, y: Tensor) -> None:
    """The minimum of w sum |s| + 1/2 ||A s - y||^2, w = alpha kappa peak: A^H r = w s / |s|, |A^H r| <= w."""
    y, alpha = y[:1], 0.3
    last: list[ConstrainedState] = []
    s, trace = solve(
        operator,
        y,
        n_iter=3000,
        epsilon=None,
        denoise=threshold(alpha),
        monitor=lambda _, state: last.append(state),
    )
    tikhonov, _ = solve(operator, y, n_iter=1, epsilon=None, denoise=threshold(alpha))
    weight = alpha * KAPPA * tikhonov.abs().max()
    gradient = operator.adjoint(y - operator.forward(s))
    at = s.abs() > 1e-3 * s.abs().max()
    assert at.any() and not at.all()
    torch.testing.assert_close(gradient[at], weight * s[at] / s[at].abs(), rtol=0, atol=0.01 * weight.item())
    assert (gradient[~at].abs() <= weight * 1.01).all()
    assert not last[-1].d2.any() and torch.equal(last[-1].u2, y)
    assert "misfit over epsilon" not in dict(trace[-1].figures)


@pytest.mark.parametrize(("decay", "growth"), [(1.2, 1.0), (1.0, 1.1), (1.1, 1.2)])
def test_continuation_keeps_a_fixed_point(
    decay: float, growth: float, operator: MatrixOperator, y: Tensor
) -> None:
    """Multipliers do not change with their scale: kappa d1 + A^H d2 = 0 holds for the new kappa too."""
    states: list[ConstrainedState] = []
    solve(operator, y, n_iter=600, monitor=lambda _, state: states.append(state))
    fixed = states[-1]._replace(steps=torch.zeros(2, dtype=torch.float64))
    found = constrained_step(
        fixed,
        y=y,
        epsilon=0.02 * y.norm(dim=-1),
        peak=torch.ones(2, dtype=torch.float64),
        data_step=data_step(operator, y, KAPPA, 1, update="cg", kappa_changes=True),
        denoise=lambda magnitude, memory, strength: (fixed.u1.abs(), memory),
        numbers=AdmmNumbers(KAPPA, 0.02, 1, 0.0, alpha_decay=decay, kappa_growth=growth),
        n_axes=3,
    )
    torch.testing.assert_close(found.d1, fixed.d1 / decay, rtol=0, atol=1e-6)
    force = KAPPA * growth * found.d1
    assert (force + operator.adjoint(found.d2)).norm() < 1e-4 * force.norm()


def test_items_stop_by_themselves_and_as_if_alone(operator: MatrixOperator, y: Tensor) -> None:
    y = y * torch.tensor([[1.0], [300.0]])
    together, trace = solve(operator, y, tol=1e-4)
    alone = [solve(operator, item, tol=1e-4) for item in y]
    assert len({len(each) for _, each in alone}) == 2  # they stop at different times
    assert len(trace) == max(len(each) for _, each in alone)
    for found, (expected, _) in zip(together, alone, strict=True):
        torch.testing.assert_close(found, expected)


def test_average_is_of_the_steps_an_item_took(operator: MatrixOperator, y: Tensor) -> None:
    """It meets the constraint where they do: a ball is convex."""
    y = y * torch.tensor([[1.0], [300.0]])
    states: list[ConstrainedState] = []
    mean, trace = solve(operator, y, tol=1e-4, average=True, monitor=lambda _, state: states.append(state))
    last, plain = solve(operator, y, tol=1e-4)
    assert [one.relative_change for one in trace] == [one.relative_change for one in plain]
    counts = states[-1].steps.int().tolist()
    assert counts[0] != counts[1]
    for item, count in enumerate(counts):
        each = torch.stack([state.s[item] for state in states[:count]])
        torch.testing.assert_close(mean[item], each.mean(0))
        torch.testing.assert_close(each[-1], last[item])
        worst = max((operator.forward(s) - y[item]).norm() for s in each)
        assert (operator.forward(mean[item]) - y[item]).norm() <= worst


def test_items_that_stopped_cost_nothing(operator: MatrixOperator, y: Tensor) -> None:
    seen: list[int] = []

    def denoise(magnitude: Tensor, memory: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        seen.append(len(magnitude))
        return soft_threshold(magnitude, 0.05), memory

    _, trace = solve(operator, y * torch.tensor([[1.0], [300.0]]), tol=1e-4, denoise=denoise)
    assert len(seen) == len(trace)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == 2 and seen[-1] == 1


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
        ({"kappa": -1.0}, "kappa must be positive, got -1.0"),
        ({"alpha_decay": 0.0}, "alpha_decay must be positive, got 0.0"),
        ({"update": "woodbury", "kappa_growth": 1.1}, "update must be cg where kappa grows, got woodbury"),
    ],
)
def test_bad_numbers_are_refused(
    operator: MatrixOperator, y: Tensor, changed: dict[str, float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        solve(operator, y, **changed)

from functools import partial

import pytest
import torch
from torch import Tensor

from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.fista import FISTAState, fista, fista_measure, fista_start, fista_step

LAM = 0.05


def lasso(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = soft_threshold(v, step * LAM)
    return x, LAM * x.abs().sum(-1, dtype=torch.float64), memory


@pytest.fixture
def matrix(rng: torch.Generator) -> Tensor:
    M = torch.randn(30, 50, dtype=torch.complex128, generator=rng)
    return M / torch.linalg.matrix_norm(M, 2)


def solve(matrix: Tensor, y: Tensor, n_iter: int) -> FISTAState:
    b = y @ matrix.conj()
    state = fista_start(b, 1, b.new_zeros(0))
    step = partial(fista_step, normal=lambda v: v @ matrix.T @ matrix.conj(), b=b, prox=lasso)
    for _ in range(n_iter):
        state = step(state, lipschitz=1.0, n_axes=1)
    return state


def test_fista_meets_the_subgradient_conditions_of_the_lasso(matrix: Tensor, rng: torch.Generator) -> None:
    y = torch.randn(30, dtype=torch.complex128, generator=rng)
    x = solve(matrix, y, 2000).x
    gradient = matrix.mH @ (matrix @ x - y)
    active = x.abs() > 0
    assert 0 < active.sum() < 50
    torch.testing.assert_close(gradient[active], -LAM * x[active] / x[active].abs(), rtol=0, atol=1e-10)
    assert gradient[~active].abs().max() <= LAM + 1e-10


def test_fista_batch_items_keep_their_own_momentum(matrix: Tensor, rng: torch.Generator) -> None:
    y = torch.randn(3, 30, dtype=torch.complex128, generator=rng) * torch.tensor([1.0, 0.1, 5.0])[:, None]
    together = solve(matrix, y, 20)  # before any item's objective is down to its rounding
    for i in range(3):
        alone = solve(matrix, y[i], 20)
        torch.testing.assert_close(together.x[i], alone.x)
        torch.testing.assert_close(together.t[i], alone.t)
    assert len(set(together.t.tolist())) > 1


def test_fista_restart_beats_plain_momentum(matrix: Tensor, rng: torch.Generator) -> None:
    y = torch.randn(30, dtype=torch.complex128, generator=rng)
    b = matrix.mH @ y
    best = solve(matrix, y, 3000).x
    x = z = torch.zeros_like(b)
    t = 1.0
    for _ in range(150):
        x_new, _, _ = lasso(z - matrix.mH @ (matrix @ z - y), 1.0, x)
        t_new = (1 + (1 + 4 * t * t) ** 0.5) / 2
        x, z, t = x_new, x_new + (t - 1) / t_new * (x_new - x), t_new
    assert (solve(matrix, y, 150).x - best).norm() < 0.5 * (x - best).norm()


def test_fista_images_under_the_normal_operator_are_true(matrix: Tensor, rng: torch.Generator) -> None:
    y = torch.randn(30, dtype=torch.complex128, generator=rng)
    state = solve(matrix, y, 40)
    torch.testing.assert_close(state.nz, matrix.mH @ (matrix @ state.z))
    measured = fista_measure(state, y_norm=y.abs().square().sum(), n_axes=1)
    residual = (matrix @ state.x - y).norm()
    expected = 0.5 * residual**2 + LAM * state.x.abs().sum()
    assert measured[0] == pytest.approx(expected.item(), rel=1e-12)
    assert measured[2] == pytest.approx((residual / y.norm()).item(), rel=1e-12)


def test_pixels_that_nothing_measures_neither_count_nor_show(rng: torch.Generator) -> None:
    """A sees three of five pixels; g alone moves the others, slowly. The run must not wait for them."""
    n, seen = 5, torch.tensor([True, True, False, True, False])
    b = torch.randn(n, dtype=torch.complex128, generator=rng) * seen

    def drifting(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return torch.where(seen, v, v + 0.1), torch.zeros((), dtype=torch.float64), memory

    image, trace = fista(
        lambda x: x * seen,
        b,
        b.abs().square().sum(),
        drifting,
        b.new_zeros(0),
        n_axes=1,
        lipschitz=1.0,
        n_iter=50,
        tol=1e-6,
        support=seen,
    )
    assert len(trace) < 10
    torch.testing.assert_close(image, b)

import pytest
import torch
from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import cg_start, cg_step, cg_steps, conjugate_gradient


def positive_definite(rng: torch.Generator, dtype: torch.dtype = torch.complex128, n: int = 35) -> Tensor:
    factor = torch.randn(n, n, dtype=dtype, generator=rng)
    return factor @ factor.mH / n + 0.1 * torch.eye(n, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.complex128, torch.float64])
def test_conjugate_gradient_meets_a_dense_solve(rng: torch.Generator, dtype: torch.dtype) -> None:
    M = positive_definite(rng, dtype)
    b = torch.randn(7, 5, dtype=dtype, generator=rng)
    x = conjugate_gradient(lambda v: (M @ v.flatten()).reshape(7, 5), b, n_axes=2, n_iter=80)
    expected = torch.linalg.solve(M, b.flatten()).reshape(7, 5)
    assert (x - expected).norm() < 1e-10 * expected.norm()


def test_conjugate_gradient_solves_each_batch_item_on_its_own(rng: torch.Generator) -> None:
    M = torch.stack([positive_definite(rng), torch.eye(35, dtype=torch.complex128), positive_definite(rng)])
    b = torch.randn(3, 35, dtype=torch.complex128, generator=rng)
    b[2] *= 1e-6  # a scale of its own: a shared step length would lose it

    def together(v: Tensor) -> Tensor:
        return torch.einsum("bij,bj->bi", M, v)

    for n_iter in (5, 80):  # at 80 the identity item has converged exactly long ago
        x = conjugate_gradient(together, b, n_axes=1, n_iter=n_iter)
        for i in range(3):
            alone = conjugate_gradient(lambda v, i=i: M[i] @ v, b[i], n_axes=1, n_iter=n_iter)  # type: ignore[misc]
            assert (x[i] - alone).norm() <= 1e-9 * alone.norm()
    assert (x - torch.linalg.solve(M, b)).abs().max() < 1e-10


def test_conjugate_gradient_from_the_solution_stays_there(rng: torch.Generator) -> None:
    M = positive_definite(rng)
    b = torch.randn(35, dtype=torch.complex128, generator=rng)
    solution = torch.linalg.solve(M, b)
    x = conjugate_gradient(lambda v: M @ v, b, n_axes=1, n_iter=3, x0=solution)
    torch.testing.assert_close(x, solution, rtol=0, atol=1e-12)


def test_conjugate_gradient_of_zero_is_zero() -> None:
    b = torch.zeros(2, 4, dtype=torch.complex64)
    assert torch.equal(conjugate_gradient(lambda v: v, b, n_axes=1, n_iter=5), b)


def test_cg_step_recurrences_hold_their_definitions(rng: torch.Generator) -> None:
    M = positive_definite(rng)
    b = torch.randn(35, dtype=torch.complex128, generator=rng)
    state = cg_start(b, 1)
    for _ in range(6):
        previous, state = state, cg_step(state, matrix=lambda v: M @ v, n_axes=1)
    torch.testing.assert_close(state.r, b - M @ state.x)
    torch.testing.assert_close(state.change.sqrt(), (state.x - previous.x).norm())
    assert abs(torch.vdot(state.p, M @ previous.p)) < 1e-10  # conjugate directions


def test_cg_start_needs_the_matrix_with_a_start() -> None:
    with pytest.raises(ValueError, match="matrix must be given"):
        cg_start(torch.ones(3), 1, x0=torch.ones(3))


def test_iterations_beyond_rounding_change_nothing(rng: torch.Generator) -> None:
    spectrum = torch.logspace(-3, 0, 400)
    b = torch.randn(400, dtype=torch.complex64, generator=rng)
    x, later = (
        conjugate_gradient(lambda v: spectrum * v, b, n_axes=1, n_iter=n_iter) for n_iter in (1000, 5000)
    )
    assert torch.equal(x, later)
    assert (b - spectrum * x).norm() < 1e-5 * b.norm()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.float64])
@pytest.mark.parametrize("started", [False, True])
def test_steps_in_one_memory_are_the_pure_ones(
    rng: torch.Generator, dtype: torch.dtype, started: bool
) -> None:
    M = positive_definite(rng, dtype)
    b = torch.randn(35, dtype=dtype, generator=rng).expand(2, 35)  # one memory for both
    x0 = torch.randn(2, 35, dtype=dtype, generator=rng) if started else None
    kept = b.clone(), None if x0 is None else x0.clone()

    def matrix(v: Tensor) -> Tensor:
        return v @ M.T

    state = cg_start(b, 1, matrix=matrix, x0=x0)
    for n_iter in range(1, 6):
        state = cg_step(state, matrix=matrix, n_axes=1)
        found = cg_steps(matrix, b, n_axes=1, n_iter=n_iter, x0=x0)
        torch.testing.assert_close((found.x, found.r), (state.x, state.r))
        assert torch.equal(b, kept[0]) and (x0 is None or torch.equal(x0, kept[1]))
    first = float((b - matrix(torch.zeros_like(b) if x0 is None else x0)).norm())
    stopped = cg_steps(matrix, b, n_axes=1, n_iter=500, x0=x0, residual_tol=1e-3)
    assert 1e-6 * first < float(stopped.r.norm()) <= 1e-3 * first

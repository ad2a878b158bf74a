from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.cgls import cgls
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.dense import MatrixOperator


def system(rng: torch.Generator, n_rows: int = 20, n: int = 6) -> tuple[MatrixOperator, Tensor]:
    matrix = torch.randn(n_rows, n, dtype=torch.complex128, generator=rng)
    y = torch.randn(3, n_rows, dtype=torch.complex128, generator=rng)
    return MatrixOperator(matrix, (2, n // 2), (n_rows,)), y


def test_cgls_is_the_least_squares_solution_after_n_steps(rng: torch.Generator) -> None:
    operator, y = system(rng)
    expected = torch.linalg.lstsq(operator.matrix, y.T).solution.T
    image = cgls(operator, y, n_iter=6).image
    torch.testing.assert_close(image.flatten(1), expected)


def test_cgls_finds_the_solution_of_least_norm(rng: torch.Generator) -> None:
    operator, y = system(rng, n_rows=5, n=14)
    image = cgls(operator, y, n_iter=5).image
    torch.testing.assert_close(image.flatten(1), (torch.linalg.pinv(operator.matrix) @ y.T).T)


def test_cgls_iterates_are_best_in_their_krylov_space(rng: torch.Generator) -> None:
    operator, y = system(rng)
    y = y[0]
    vectors = [operator.adjoint(y).flatten()]
    for k in (1, 2, 3):
        basis = torch.stack(vectors, dim=1)
        expected = basis @ torch.linalg.lstsq(operator.matrix @ basis, y[:, None]).solution
        torch.testing.assert_close(cgls(operator, y, n_iter=k).image.flatten(), expected[:, 0])
        vectors.append(operator.matrix.mH @ (operator.matrix @ vectors[-1]))


def test_cgls_is_cg_on_the_normal_equations(dense: Any, y: Tensor) -> None:
    expected = cg_sense(dense, y, n_iter=12, lam=0.0, tol=0).image
    torch.testing.assert_close(cgls(dense, y, n_iter=12).image, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_cgls_reports_are_true(dtype: torch.dtype, dense: Any, dense_single: Any, y: Tensor) -> None:
    operator, y = (dense_single if dtype == torch.complex64 else dense), y.to(dtype)
    rel = 1e-5 if dtype == torch.complex64 else 1e-10
    images: list[Tensor] = []
    trace = cgls(operator, y, n_iter=9, monitor=lambda _, state: images.append(state[0])).trace
    for k in (1, 8):
        residual = (dense.forward(images[k].to(torch.complex128)) - y).norm()
        change = (images[k] - images[k - 1]).norm() / images[k].norm()
        assert trace[k].data_residual == pytest.approx((residual / y.norm()).item(), rel=rel)
        assert trace[k].objective == pytest.approx(0.5 * residual.item() ** 2, rel=2 * rel)
        assert trace[k].relative_change == pytest.approx(change.item(), rel=10 * rel)
        assert trace[k].index == k + 1 and trace[k].n_iter == 9


def test_cgls_discrepancy_stops_at_the_first_iteration_below_the_noise(dense: Any, y: Tensor) -> None:
    full = cgls(dense, y[1], n_iter=30).trace
    level = 0.5 * (full[4].data_residual + full[5].data_residual)
    stopped = cgls(dense, y[1], n_iter=30, noise_residual=level)
    assert len(stopped.trace) == 6
    assert stopped.trace[-1].data_residual <= level < stopped.trace[-2].data_residual


def test_cgls_discrepancy_stops_each_item_by_itself(dense: Any, y: Tensor) -> None:
    level = 0.02
    y = torch.stack([dense.forward(dense.adjoint(y[0])), y[1], y[2]])  # the first is smoother: sooner there
    together = cgls(dense, y, n_iter=40, noise_residual=level)
    alone = [cgls(dense, item, n_iter=40, noise_residual=level) for item in y]
    lengths = [len(result.trace) for result in alone]
    assert len(set(lengths)) > 1 and len(together.trace) == max(lengths) < 40
    for item, result in zip(together.image, alone, strict=True):
        torch.testing.assert_close(item, result.image)


@pytest.mark.parametrize("noise_residual", [0.0, 0.02])
@pytest.mark.parametrize("stop_at", [1, 5, 20])
def test_cgls_resumed_run_is_bit_identical(
    noise_residual: float, stop_at: int, dense: Any, y: Tensor
) -> None:
    undisturbed = cgls(dense, y, n_iter=20, noise_residual=noise_residual)
    saved: list[tuple[Tensor, ...]] = []
    first = cgls(
        dense, y, n_iter=stop_at, noise_residual=noise_residual, monitor=lambda _, state: saved.append(state)
    )
    trace = [report._replace(n_iter=20) for report in first.trace]
    checkpoint = Checkpoint(len(trace), saved[-1], trace)
    resumed = cgls(dense, y, n_iter=20, noise_residual=noise_residual, resume=checkpoint)
    assert torch.equal(resumed.image, undisturbed.image) and resumed.trace == undisturbed.trace


def test_cgls_costs_one_of_each_per_iteration(rng: torch.Generator) -> None:
    class Counted(MatrixOperator):
        n_forward = n_adjoint = 0

        def forward(self, x: Tensor) -> Tensor:
            self.n_forward += 1
            return super().forward(x)

        def adjoint(self, y: Tensor) -> Tensor:
            self.n_adjoint += 1
            return super().adjoint(y)

    operator, y = system(rng)
    counted = Counted(operator.matrix, operator.domain_shape, operator.range_shape)
    cgls(counted, y, n_iter=4)
    assert (counted.n_forward, counted.n_adjoint) == (4, 5)


def test_cgls_of_no_signal_and_of_a_zero_item(dense: Any, y: Tensor) -> None:
    result = cgls(dense, torch.zeros_like(y), n_iter=5)
    assert not result.image.any() and result.trace == [Iteration(1, 5, 0.0, 0.0, 0.0)]
    image = cgls(dense, y * torch.tensor([1.0, 0.0, 1.0])[:, None], n_iter=8).image
    assert image.isfinite().all() and not image[1].any() and image[2].any()


def test_cgls_refuses(dense: Any, y: Tensor) -> None:
    for level in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"noise_residual must be in \[0, 1\)"):
            cgls(dense, y, noise_residual=level)
    with pytest.raises(DivergenceError, match="iteration 1"):
        cgls(dense, torch.full_like(y, torch.nan), noise_residual=0.1)
    stopped = cgls(dense, y, n_iter=500, tol=0.05)
    assert stopped.trace[-1].relative_change < 0.05 <= stopped.trace[-2].relative_change


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cgls_on_cuda_is_as_on_the_cpu(rng: torch.Generator) -> None:
    operator, y = system(rng)
    expected = cgls(operator, y, n_iter=5)
    found = cgls(operator.cuda(), y.cuda(), n_iter=5)
    torch.testing.assert_close(found.image.cpu(), expected.image)
    assert found.trace[-1].objective == pytest.approx(expected.trace[-1].objective)

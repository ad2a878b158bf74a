from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.models.methods.sirt import sirt
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError
from proxflow.operators.dense import MatrixOperator


def weights(rng: torch.Generator, dtype: torch.dtype = torch.float64) -> Tensor:
    """40 rays through 63 pixels; the last two rays meet none, the first three pixels are met by none."""
    matrix = torch.rand(40, 63, dtype=torch.float64, generator=rng)
    matrix = matrix * (torch.rand(40, 63, dtype=torch.float64, generator=rng) < 0.2)
    matrix[-2:] = 0
    matrix[:, :3] = 0
    return matrix.to(dtype)


def operator_and_data(
    rng: torch.Generator, dtype: torch.dtype = torch.float64
) -> tuple[MatrixOperator, Tensor]:
    operator = MatrixOperator(weights(rng, dtype), (9, 7), (5, 8))
    x = torch.rand(3, 9, 7, dtype=torch.float64, generator=rng) - 0.3
    y = operator.forward(x.to(dtype))
    return operator, y + 0.1 * torch.randn(y.shape, dtype=torch.float64, generator=rng).to(dtype)


@pytest.fixture(scope="module")
def astra_scan() -> Any:
    """ASTRA's own matrix, sinogram and SIRT of a scan of 21 angles."""
    import astra

    shape, angles = (24, 31), np.linspace(0, np.pi, 21, endpoint=False) + 0.1
    volume = astra.create_vol_geom(*shape)
    rays = astra.create_proj_geom("parallel", 1.1, 30, angles)
    projector = astra.create_projector("linear", rays, volume)
    matrix_id = astra.projector.matrix(projector)
    matrix = astra.matrix.get(matrix_id).toarray()
    rows, columns = np.mgrid[:24, :31]
    image = 0.02 * ((rows - 11) ** 2 + (columns - 14) ** 2 < 80) + 0.03 * (abs(columns - 17) < 3)
    noise = np.random.default_rng(3).normal(0, 0.03, (21, 30))
    sinogram = ((matrix @ image.ravel()).reshape(21, 30) + noise).astype(np.float32)

    def solve(n_iter: int, nonnegative: bool) -> np.ndarray:
        y = astra.data2d.create("-sino", rays, sinogram)
        x = astra.data2d.create("-vol", volume, 0.0)
        config = {"type": "SIRT", "ProjectorId": projector, "ProjectionDataId": y}
        config |= {"ReconstructionDataId": x, "option": {"MinConstraint": 0.0} if nonnegative else {}}
        algorithm = astra.algorithm.create(config)
        astra.algorithm.run(algorithm, n_iter)
        result = astra.data2d.get(x)
        astra.algorithm.delete(algorithm)
        astra.data2d.delete([x, y])
        return result

    yield torch.from_numpy(matrix), torch.from_numpy(sinogram), solve
    astra.matrix.delete(matrix_id)
    astra.projector.delete(projector)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("n_iter", [1, 20, 150])
def test_sirt_equals_astra(astra_scan: Any, nonnegative: bool, n_iter: int) -> None:
    matrix, sinogram, solve = astra_scan
    expected = torch.from_numpy(solve(n_iter, nonnegative))
    operator = MatrixOperator(matrix.float(), (24, 31), (21, 30))
    image = sirt(operator, sinogram, n_iter=n_iter, nonnegative=nonnegative).image
    assert (image.min() < 0) != nonnegative or n_iter == 1
    assert (image - expected).abs().max() < 2e-6 * expected.abs().max()


def test_sirt_of_one_pixel_per_ray_is_exact_at_once() -> None:
    operator = MatrixOperator(torch.diag(torch.tensor([2.0, 5.0, 0.0])), (3,), (3,))
    image = sirt(operator, torch.tensor([3.0, -1.0, 4.0]), n_iter=1).image
    torch.testing.assert_close(image, torch.tensor([1.5, -0.2, 0.0]))


def test_sirt_follows_its_formula(rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng)
    matrix, flat = operator.matrix, y.flatten(1).T
    rows, columns = matrix.sum(1, keepdim=True), matrix.sum(0)[:, None]
    x = torch.zeros(63, 3, dtype=y.dtype)
    for _ in range(6):
        residual = (flat - matrix @ x) / torch.where(rows > 0, rows, torch.inf)
        x = x + 1.7 * (matrix.T @ residual) / torch.where(columns > 0, columns, torch.inf)
    image = sirt(operator, y, n_iter=6, relaxation=1.7).image
    torch.testing.assert_close(image.flatten(1).T, x)
    assert not image.flatten(1)[:, :3].any()


def test_sirt_reaches_the_weighted_least_squares_solution(rng: torch.Generator) -> None:
    matrix = torch.rand(12, 4, dtype=torch.float64, generator=rng) + 2 * torch.eye(12, 4)
    y = torch.randn(12, dtype=torch.float64, generator=rng)
    root = matrix.sum(1).rsqrt()
    expected = torch.linalg.lstsq(root[:, None] * matrix, root * y).solution
    result = sirt(MatrixOperator(matrix, (4,), (12,)), y, n_iter=500)
    torch.testing.assert_close(result.image, expected)
    residual = y - matrix @ expected
    assert result.trace[-1].objective == pytest.approx(0.5 * (root * residual).square().sum().item())
    assert result.trace[-1].data_residual == pytest.approx((residual.norm() / y.norm()).item())


def test_sirt_with_nonnegativity_meets_the_optimality_conditions(rng: torch.Generator) -> None:
    matrix = torch.rand(12, 6, dtype=torch.float64, generator=rng) + 4 * torch.eye(12, 6)
    y = matrix @ torch.tensor([1.0, -2.0, 0.5, -0.1, 2.0, 0.0], dtype=torch.float64)
    image = sirt(MatrixOperator(matrix, (6,), (12,)), y, n_iter=1000, nonnegative=True).image
    gradient = matrix.T @ ((matrix @ image - y) / matrix.sum(1))
    assert (image >= 0).all() and (image == 0).any() and (image > 0).any()
    assert gradient[image > 0].abs().max() < 1e-8
    assert gradient[image == 0].min() > -1e-8


@pytest.mark.parametrize("nonnegative", [False, True])
def test_sirt_objective_falls_and_reports_are_true(nonnegative: bool, rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng)
    images: list[Tensor] = []
    result = sirt(
        operator, y, n_iter=30, nonnegative=nonnegative, monitor=lambda _, state: images.append(state[0])
    )
    objectives = [report.objective for report in result.trace]
    assert objectives == sorted(objectives, reverse=True)
    report, x = result.trace[-1], images[-1]
    assert torch.equal(x, result.image) and len(result.trace) == 30
    assert report.data_residual == pytest.approx(((operator.forward(x) - y).norm() / y.norm()).item())
    assert report.relative_change == pytest.approx(((x - images[-2]).norm() / x.norm()).item())


def test_sirt_of_complex_data_is_that_of_both_parts(rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng)
    y = torch.complex(y, y.flip(0))
    image = sirt(operator, y, n_iter=9).image
    torch.testing.assert_close(image.imag, sirt(operator, y.imag, n_iter=9).image)
    kept = sirt(operator, y, n_iter=9, nonnegative=True).image
    torch.testing.assert_close(kept.real, sirt(operator, y.real, n_iter=9, nonnegative=True).image)
    assert kept.is_complex() and not kept.imag.any()


def test_sirt_costs_one_of_each_per_iteration(rng: torch.Generator) -> None:
    class Counted(MatrixOperator):
        n_forward = n_adjoint = 0

        def forward(self, x: Tensor) -> Tensor:
            self.n_forward += 1
            return super().forward(x)

        def adjoint(self, y: Tensor) -> Tensor:
            self.n_adjoint += 1
            return super().adjoint(y)

    operator = Counted(weights(rng), (9, 7), (5, 8))
    sirt(operator, torch.ones(5, 8, dtype=torch.float64), n_iter=11)
    assert (operator.n_forward, operator.n_adjoint) == (12, 12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sirt_batch_scale_and_resumption(dtype: torch.dtype, rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng, dtype)
    together = sirt(operator, y, n_iter=12)
    assert together.image.dtype == dtype
    torch.testing.assert_close(together.image[1], sirt(operator, y[1], n_iter=12).image)
    torch.testing.assert_close(together.image, sirt(0.01 * operator, 0.01 * y, n_iter=12).image)
    saved: list[tuple[Tensor, ...]] = []
    first = sirt(operator, y, n_iter=5, monitor=lambda _, state: saved.append(state))
    trace = [report._replace(n_iter=12) for report in first.trace]
    resumed = sirt(operator, y, n_iter=12, resume=Checkpoint(5, saved[-1], trace))
    assert torch.equal(resumed.image, together.image) and resumed.trace == together.trace
    stopped = sirt(operator, y, n_iter=500, tol=0.01)
    assert stopped.trace[-1].relative_change < 0.01 <= stopped.trace[-2].relative_change


def test_sirt_refuses(rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng)
    for relaxation in (0.0, 2.0, float("nan")):
        with pytest.raises(ValueError, match=r"relaxation must be in \(0, 2\)"):
            sirt(operator, y, relaxation=relaxation)
    with pytest.raises(ValueError, match="A 1 must not be negative, got -"):
        sirt(-operator, y)
    with pytest.raises(ValueError, match=r"A\^H 1 must not be negative, got -1"):
        sirt(MatrixOperator(torch.tensor([[3.0, -2.0], [1.0, 1.0]]), (2,), (2,)), torch.ones(2))
    with pytest.raises(DivergenceError, match="iteration 1"):
        sirt(operator, torch.full_like(y, torch.nan))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_sirt_on_cuda_is_as_on_the_cpu(rng: torch.Generator) -> None:
    operator, y = operator_and_data(rng)
    expected = sirt(operator, y, n_iter=5)
    found = sirt(operator.cuda(), y.cuda(), n_iter=5)
    torch.testing.assert_close(found.image.cpu(), expected.image)
    assert found.trace[-1].objective == pytest.approx(expected.trace[-1].objective)

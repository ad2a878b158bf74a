from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import conjugate_gradient
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.operators.woodbury import Woodbury, gram_matrix, has_gram

CPU = torch.device("cpu")


@pytest.fixture
def matrix(rng: torch.Generator) -> Tensor:
    return torch.randn(10, 24, dtype=torch.complex128, generator=rng)


@pytest.fixture
def operator(matrix: Tensor) -> MatrixOperator:
    return MatrixOperator(matrix, (2, 3, 4), (5, 2))


@pytest.fixture
def radar(rng: torch.Generator) -> NearFieldMimo:
    grid = VoxelGrid((7, 6, 5), (0.02, 0.03, 0.03), (0.3, 0.0, 0.0))
    antennas = torch.rand(5, 3, dtype=torch.float64, generator=rng) * torch.tensor([0.2, 0.2, 0.0]) - 0.1
    frequencies = torch.linspace(4e9, 9e9, 6, dtype=torch.float64)
    return NearFieldMimo(antennas[:2], antennas[2:], frequencies, grid)


def test_solution_meets_the_system(matrix: Tensor, operator: MatrixOperator, rng: torch.Generator) -> None:
    b = torch.randn(3, 2, 3, 4, dtype=torch.complex128, generator=rng)
    system = 0.3 * torch.eye(24) + matrix.mH @ matrix
    expected = torch.linalg.solve(system, b.flatten(1).T).T.reshape(b.shape)
    solver = Woodbury(operator, 0.3, dtype=torch.complex128)
    torch.testing.assert_close(solver.solve(b), expected)
    torch.testing.assert_close(solver.solve(b[1]), expected[1])


def test_nearest_is_the_same_solution(matrix: Tensor, operator: MatrixOperator, rng: torch.Generator) -> None:
    v = torch.randn(3, 2, 3, 4, dtype=torch.complex128, generator=rng)
    w = torch.randn(3, 5, 2, dtype=torch.complex128, generator=rng)
    solver = Woodbury(operator, 0.3, dtype=torch.complex128)
    s, a_s = solver.nearest(v, w)
    torch.testing.assert_close(s, solver.solve(0.3 * v + operator.adjoint(w)))
    torch.testing.assert_close(a_s, operator.forward(s))


def test_gram_of_a_scaled_operator(matrix: Tensor, operator: MatrixOperator, radar: NearFieldMimo) -> None:
    gram = gram_matrix((2 - 1j) * operator, torch.complex128, CPU)
    torch.testing.assert_close(gram, 5 * matrix @ matrix.mH)
    assert not has_gram(2 * operator) and has_gram(radar) and has_gram(2.0 * (3j * radar))


def test_structured_gram_is_the_one_by_applications(radar: NearFieldMimo) -> None:
    unknown = radar @ MatrixOperator(torch.eye(210), (7, 6, 5), (7, 6, 5))
    applied = gram_matrix(unknown, torch.complex128, CPU)
    torch.testing.assert_close(gram_matrix(radar, torch.complex128, CPU), applied)


def test_conjugate_gradients_come_near_in_five_steps(radar: NearFieldMimo, rng: torch.Generator) -> None:
    """The s-update of the paper: residual after 5 steps, and the solution they go to."""
    x = torch.randn(radar.domain_shape, dtype=torch.complex128, generator=rng)
    b = radar.normal(x)
    kappa = 0.013 * float(torch.linalg.matrix_norm(gram_matrix(radar, torch.complex128, CPU), 2))

    def system(s: Tensor) -> Tensor:
        return radar.normal(s) + kappa * s

    def solve(n_iter: int) -> Tensor:
        return conjugate_gradient(system, b, n_axes=3, n_iter=n_iter)

    exact = Woodbury(radar, kappa, dtype=torch.complex128).solve(b)
    assert (system(exact) - b).norm() < 1e-12 * b.norm()
    assert (system(solve(5)) - b).norm() < 0.3 * b.norm()
    assert (solve(60) - exact).norm() < 1e-9 * exact.norm()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kappa": 0.0}, "kappa must be positive, got 0.0"),
        ({"kappa": float("inf")}, "kappa must be positive, got inf"),
        ({"kappa": 1.0, "max_measurements": 9}, "measurements must be at most 9, got 10"),
    ],
)
def test_woodbury_refuses(operator: MatrixOperator, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Woodbury(operator, dtype=torch.complex128, **arguments)

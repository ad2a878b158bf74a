import pytest
import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator


class Dense(LinearOperator):
    """y = M x for a matrix M and images of ``shape``, counting what is applied."""

    def __init__(self, matrix: Tensor, shape: tuple[int, int]) -> None:
        super().__init__()
        self.matrix = matrix
        self.domain_shape, self.range_shape = shape, (matrix.shape[0],)
        self.n_normal = self.n_forward = 0

    def forward(self, x: Tensor) -> Tensor:
        self.n_forward += 1
        return x.flatten(-2) @ self.matrix.T

    def adjoint(self, y: Tensor) -> Tensor:
        return (y @ self.matrix.conj()).unflatten(-1, self.domain_shape)

    def normal(self, x: Tensor) -> Tensor:
        self.n_normal += 1
        image: Tensor = (x.flatten(-2) @ self.matrix.T @ self.matrix.conj()).unflatten(-1, self.domain_shape)
        return image


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture
def dense(rng: torch.Generator) -> Dense:
    """Images (9, 7) seen through 40 random numbers: fewer than the pixels, of norm 1."""
    return seen_by(40, rng)


@pytest.fixture
def overdetermined(rng: torch.Generator) -> Dense:
    """Images (9, 7) seen through 120 random numbers, of norm 1: minima that iterations reach soon."""
    return seen_by(120, rng)


def seen_by(numbers: int, rng: torch.Generator) -> Dense:
    matrix = torch.randn(numbers, 63, dtype=torch.complex128, generator=rng)
    return Dense(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7))


@pytest.fixture
def dense_single(dense: Dense) -> Dense:
    return Dense(dense.matrix.to(torch.complex64), (9, 7))


@pytest.fixture
def y(dense: Dense, rng: torch.Generator) -> Tensor:
    """Three measurements of piecewise constant complex images with noise, scaled to max |A^H y| = 1."""
    return measured(dense, rng)


@pytest.fixture
def many_y(overdetermined: Dense, rng: torch.Generator) -> Tensor:
    """The same images measured by ``overdetermined``."""
    return measured(overdetermined, rng)


def measured(dense: Dense, rng: torch.Generator) -> Tensor:
    x = torch.ones(3, 9, 7, dtype=torch.complex128)
    x[:, 2:6, 3:] = 2j
    x[1] *= -3
    x[2, 4:] += 1
    samples = dense.forward(x)
    samples = samples + 0.01 * torch.randn(samples.shape, dtype=samples.dtype, generator=rng)
    dense.n_forward = 0
    return samples / dense.adjoint(samples).abs().max()

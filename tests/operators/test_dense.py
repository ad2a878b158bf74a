import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import CHUNK_BYTES, MatrixOperator, to_matrix
from proxflow.operators.finite_difference import FiniteDifference


@pytest.mark.parametrize("matrix_dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_matrix_operator_adjoint(
    matrix_dtype: torch.dtype, dtype: torch.dtype, batch: tuple[int, ...], rng: torch.Generator
) -> None:
    matrix = torch.randn(12, 35, dtype=matrix_dtype, generator=rng)
    operator = MatrixOperator(matrix, (7, 5), (2, 6))
    if matrix.is_complex() and not dtype.is_complex:
        for name, call, shape in (("x", operator.forward, (7, 5)), ("y", operator.adjoint, (2, 6))):
            with pytest.raises(ValueError, match=f"{name} must be complex for a complex matrix"):
                call(torch.zeros(shape, dtype=dtype))
    else:
        assert_adjoint(operator, rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_to_matrix_gives_the_matrix_back(dtype: torch.dtype, rng: torch.Generator) -> None:
    matrix = torch.randn(12, 35, dtype=dtype, generator=rng)
    operator = MatrixOperator(matrix, (7, 5), (2, 6))
    assert torch.equal(to_matrix(operator, dtype=dtype), matrix)
    assert torch.equal(to_matrix(operator.H, dtype=dtype), matrix.mH)


def test_to_matrix_in_several_batches(rng: torch.Generator) -> None:
    operator = FiniteDifference((40, 37))
    matrix = to_matrix(operator, dtype=torch.float64)
    assert matrix.nbytes / 2 > CHUNK_BYTES  # more than one batch of unit vectors
    x = torch.randn(40, 37, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(matrix @ x.flatten(), operator.forward(x).flatten())


def test_to_matrix_refuses_a_large_one() -> None:
    with pytest.raises(ValueError, match="matrix must take at most 1000 bytes, got 1152 for 24 x 12"):
        to_matrix(FiniteDifference((4, 3)), limit_bytes=1000)
    assert to_matrix(FiniteDifference((4, 3)), limit_bytes=1152).shape == (24, 12)


def test_to_matrix_refuses_a_dtype_the_operator_does_not_keep() -> None:
    class ToComplex(LinearOperator):
        domain_shape = range_shape = (3,)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 0j

    with pytest.raises(ValueError, match=r"dtype must be that of A x, torch.complex64, got torch.float32"):
        to_matrix(ToComplex())


def test_matrix_operator_refuses_shapes() -> None:
    with pytest.raises(ValueError, match=r"matrix must have shape \(4, 6\) .* got \(6, 4\)"):
        MatrixOperator(torch.zeros(6, 4), (3, 2), (4,))
    with pytest.raises(ValueError, match=r"x must end in axes \(3, 2\)"):
        MatrixOperator(torch.zeros(4, 6), (3, 2), (4,)).forward(torch.zeros(2, 3))

import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.circulant_sensing import CirculantSensing
from proxflow.operators.dense import to_matrix
from proxflow.operators.operator_norm import operator_norm


@pytest.mark.parametrize(("shape", "n_rows"), [((6, 9), 20), ((5, 7), 35), ((1, 3), 1)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(
    shape: tuple[int, int], n_rows: int, dtype: torch.dtype, batch: tuple[int, ...], rng: torch.Generator
) -> None:
    assert_adjoint(CirculantSensing(shape, n_rows), rng, dtype=dtype, batch=batch)


def test_its_rows_are_those_of_a_circulant_matrix_with_signs(rng: torch.Generator) -> None:
    sensing = CirculantSensing((3, 5), 15)
    matrix = to_matrix(sensing, dtype=torch.float64)
    circulant = matrix * sensing.signs
    for k in range(1, 15):
        torch.testing.assert_close(circulant[k], circulant[0].roll(k))
    some = CirculantSensing((3, 5), 6)
    torch.testing.assert_close(to_matrix(some, dtype=torch.float64), matrix[some.rows])
    assert len(some.rows.unique()) == 6
    x = torch.randn(3, 5, dtype=torch.complex128, generator=rng)
    torch.testing.assert_close(sensing.forward(x), torch.complex(*map(sensing.forward, (x.real, x.imag))))


@pytest.mark.parametrize(("n_rows", "square"), [(16_384, 1.78), (65_536, 3.49)])
def test_the_published_sizes_have_about_the_published_norms(n_rows: int, square: float) -> None:
    norm = operator_norm(CirculantSensing((512, 512), n_rows), n_iter=8, dtype=torch.float32)
    assert norm**2 == pytest.approx(square, rel=0.2)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="n_rows must be from 1 to 12, got 13"):
        CirculantSensing((3, 4), 13)
    with pytest.raises(ValueError, match=r"y must end in axes \(7,\)"):
        CirculantSensing((3, 4), 7).adjoint(torch.zeros(6))

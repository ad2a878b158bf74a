import math

import pytest
import torch
from torch import Tensor

from proxflow.models.calibration import noise_to_signal as module
from proxflow.models.calibration.noise_to_signal import noise_to_signal
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.dense import MatrixOperator


def operator_of(rng: torch.Generator, n_data: int, n_image: int, decades: float) -> MatrixOperator:
    """Singular values falling from 1 by so many decades."""
    matrix = torch.randn(n_data, n_image, dtype=torch.complex128, generator=rng)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    values = torch.logspace(0, -decades, u.shape[1], dtype=torch.float64)
    return MatrixOperator((u * values) @ vh, (n_image,), (n_data,))


def noisy(
    operator: MatrixOperator, rng: torch.Generator, ratio: float, n_items: int = 2
) -> tuple[Tensor, Tensor]:
    x = torch.randn(n_items, *operator.domain_shape, dtype=torch.complex128, generator=rng)
    x[:, 5:] = 0  # far from white
    y = operator.forward(x)
    noise = torch.randn(y.shape, dtype=y.dtype, generator=rng)
    noise *= ratio * y.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)
    return y + noise, noise.norm(dim=-1) / (y + noise).norm(dim=-1)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("ratio", [0.3, 0.03])
def test_noise_is_found_where_singular_values_fall(
    dtype: torch.dtype, ratio: float, rng: torch.Generator
) -> None:
    operator = operator_of(rng, 200, 300, 4)
    y, expected = noisy(operator, rng, ratio)
    y = y * torch.tensor([[1.0], [50.0]])  # gains do not matter
    torch.testing.assert_close(noise_to_signal(operator, y.to(dtype)), expected, rtol=0.1, atol=0)


def test_noise_is_found_beside_the_range(rng: torch.Generator) -> None:
    operator = operator_of(rng, 200, 60, 0.3)
    y, expected = noisy(operator, rng, 0.05)
    torch.testing.assert_close(noise_to_signal(operator, y), expected, rtol=0.1, atol=0)
    assert not noise_to_signal(operator, torch.zeros_like(y)).any()


def test_an_image_that_could_explain_everything_is_refused(rng: torch.Generator) -> None:
    operator = operator_of(rng, 100, 300, 0.2)
    y, _ = noisy(operator, rng, 0.01)
    with pytest.raises(UnsuitableError, match="epsilon must be given for these measurements, got null"):
        noise_to_signal(operator, y)


def test_it_is_the_maximum_of_the_dense_likelihood(
    rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "N_PROBES", 400)
    operator = operator_of(rng, 80, 120, 3)
    y, _ = noisy(operator, rng, 0.1, 1)
    matrix = torch.linalg.svd(operator.matrix)
    values = matrix.S.square()
    z = (matrix.U.mH @ y[0]).abs().square()
    ratios = torch.logspace(-9, 1, 2001, dtype=torch.float64)
    inverse = (z / (values + ratios[:, None])).sum(1)
    best = int((inverse.log() + (values + ratios[:, None]).log().mean(1)).argmin())
    expected = math.sqrt(float(ratios[best] * inverse[best]) / float(z.sum()))
    assert float(noise_to_signal(operator, y)) == pytest.approx(expected, rel=0.02)

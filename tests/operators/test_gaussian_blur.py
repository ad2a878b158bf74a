import pytest
import torch
from torch.nn import functional

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.operators.operator_norm import operator_norm


@pytest.mark.parametrize("shape", [(6, 9), (1, 3), (13, 2)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(
    shape: tuple[int, int], dtype: torch.dtype, batch: tuple[int, ...], rng: torch.Generator
) -> None:
    assert_adjoint(GaussianBlur(shape, 1.3), rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize(("sigma", "side"), [(1.0, 5), (2.0, 7), (2.7, 9), (0.4, 5)])
def test_it_is_the_full_convolution(sigma: float, side: int, rng: torch.Generator) -> None:
    blur = GaussianBlur((11, 8), sigma)
    assert blur.range_shape == (10 + side, 7 + side)
    places = torch.arange(side, dtype=torch.float64) - side // 2
    kernel = torch.exp(-(places[:, None] ** 2 + places**2) / (2 * sigma**2))
    x = torch.rand(1, 1, 11, 8, dtype=torch.float64, generator=rng)
    wanted = functional.conv2d(x, (kernel / kernel.sum())[None, None], padding=side - 1)
    torch.testing.assert_close(blur.forward(x), wanted)
    torch.testing.assert_close(blur.forward(x).sum(), x.sum())  # no light is lost


@pytest.mark.parametrize(("shape", "sigma"), [((40, 37), 1.0), ((11, 6), 3.0), ((1, 9), 2.0)])
def test_the_norm_is_that_of_a_power_iteration_and_at_most_one(shape: tuple[int, int], sigma: float) -> None:
    blur = GaussianBlur(shape, sigma)
    norm = operator_norm(blur, n_iter=2000, tol=1e-12, dtype=torch.float64)
    assert blur.norm == pytest.approx(norm, rel=1e-5)
    assert blur.norm <= 1


@pytest.mark.parametrize(
    ("sigma", "side", "sentence"),
    [
        (0.0, None, "sigma must be positive, got 0.0"),
        (1.0, 4, "side must be odd and at least 1, got 4"),
    ],
)
def test_bad_arguments_are_refused(sigma: float, side: int | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        GaussianBlur((4, 4), sigma, side=side)
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 3\)"):
        GaussianBlur((4, 3), 1.0).forward(torch.zeros(3, 4))

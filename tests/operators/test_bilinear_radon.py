import numpy as np
import pytest
import torch
from skimage.transform import radon

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.bilinear_radon import BilinearRadon

ANGLES = np.array([0.0, 0.3, np.pi / 4, 1.2, np.pi / 2, 2.5, np.pi, 4.0, -1.0])


def disc_image(n: int, rng: torch.Generator, margin: int = 0) -> torch.Tensor:
    """Noise in the circle that turns within the image, less a margin."""
    axis = torch.arange(n) - n // 2
    x = torch.randn(n, n, dtype=torch.float64, generator=rng)
    return torch.where(axis[:, None] ** 2 + axis**2 < (n // 2 - margin) ** 2, x, 0.0)


@pytest.mark.parametrize("n", [1, 2, 17, 24])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_adjoint(n: int, dtype: torch.dtype, rng: torch.Generator) -> None:
    A = BilinearRadon((n, n), ANGLES, pixel_size_mm=0.7)
    for batch in ((), (2, 3)):
        assert_adjoint(A, rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("n", [31, 32])
def test_equals_scikit_images_radon(n: int, rng: torch.Generator) -> None:
    x = disc_image(n, rng)
    expected = radon(x.numpy(), np.rad2deg(ANGLES), circle=True).T
    seen = BilinearRadon((n, n), ANGLES).forward(x)
    np.testing.assert_allclose(seen.numpy(), expected, atol=1e-11)
    np.testing.assert_allclose(BilinearRadon((n, n), ANGLES, pixel_size_mm=0.5).forward(x), seen / 2)
    single = BilinearRadon((n, n), ANGLES).forward(x.float())
    np.testing.assert_allclose(single.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("n", [31, 32])
def test_opposite_view_is_mirrored_about_the_centre_bin(n: int, rng: torch.Generator) -> None:
    x = disc_image(n, rng, margin=2)  # an even number of samples has none opposite to its first
    there = BilinearRadon((n, n), ANGLES).forward(x)
    back = BilinearRadon((n, n), ANGLES + np.pi).forward(x)
    bins = np.arange(1, 2 * (n // 2))  # bin 0 has its mirror at 2 (n // 2), beyond an even detector
    np.testing.assert_allclose(back[:, bins], there[:, 2 * (n // 2) - bins], atol=1e-11)


def test_axis_aligned_views_are_sums_of_columns_and_rows(rng: torch.Generator) -> None:
    x = torch.randn(9, 9, dtype=torch.float64, generator=rng)
    seen = BilinearRadon((9, 9), [0.0, np.pi / 2]).forward(x)
    torch.testing.assert_close(seen[0], x.sum(0))
    torch.testing.assert_close(seen[1], x.sum(1).flip(0))  # y is up, rows count down


def test_gradient_is_the_adjoint(rng: torch.Generator) -> None:
    A = BilinearRadon((6, 6), ANGLES[:3])
    x = torch.randn(2, 6, 6, dtype=torch.float64, generator=rng, requires_grad=True)
    assert torch.autograd.gradcheck(A.forward, x)
    assert torch.autograd.gradcheck(A.adjoint, A.forward(x).detach().requires_grad_())


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape must be square for the bilinear model, got \(4, 5\)"):
        BilinearRadon((4, 5), [0.0])
    with pytest.raises(ValueError, match="at most 8192 pixels wide, got 9000"):
        BilinearRadon((9000, 9000), [0.0])
    with pytest.raises(ValueError, match="angles_rad must be finite"):
        BilinearRadon((4, 4), [np.nan])
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 4\)"):
        BilinearRadon((4, 4), [0.0]).forward(torch.zeros(4, 5))
    with pytest.raises(ValueError, match="x must be float32"):
        BilinearRadon((4, 4), [0.0]).forward(torch.zeros(4, 4, dtype=torch.int64))

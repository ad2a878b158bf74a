import torch

from proxflow.models.solvers.inner_product import inner, over_image, ratio, scalars, squared_norm


def test_inner_is_the_real_part_of_the_conjugated_product(rng: torch.Generator) -> None:
    a, b = (torch.randn(4, 5, 3, dtype=torch.complex128, generator=rng) for _ in range(2))
    expected = torch.stack([torch.vdot(p.flatten(), q.flatten()).real for p, q in zip(a, b, strict=True)])
    torch.testing.assert_close(inner(a, b, 2), expected)
    torch.testing.assert_close(inner(a.real, b.real, 3), (a.real * b.real).sum())


def test_squared_norm_sums_float32_in_double_precision() -> None:
    x = torch.full((4096, 4096), 0.1)
    exact = 4096**2 * (x[0, 0] * x[0, 0]).item()
    assert abs(squared_norm(x, 2).item() - exact) < 1e-9 * exact


def test_over_image_keeps_the_images_precision() -> None:
    x = torch.zeros(3, 5, 4, dtype=torch.complex64)
    scaled = over_image(torch.ones(3, dtype=torch.float64), x) * x
    assert scaled.dtype == torch.complex64 and scaled.shape == x.shape


def test_scalars_sums_each_tensor() -> None:
    assert scalars(torch.ones(2, dtype=torch.float64), torch.tensor(5.0, dtype=torch.float64)) == [2.0, 5.0]


def test_ratio_of_nothing_is_zero() -> None:
    quotient = ratio(torch.tensor([3.0, 0.0, 2.0, torch.nan]), torch.tensor([2.0, 0.0, 0.0, 1.0]))
    torch.testing.assert_close(quotient, torch.tensor([1.5, 0, 0, torch.nan]), equal_nan=True)

"""The SSIM that networks are trained by: scikit-image's numbers, with a gradient."""

from __future__ import annotations

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional

from proxflow.models.metrics.ssim_loss import ssim_loss, ssim_map


@pytest.fixture
def images(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two images a few blurred edges and some noise apart, (2, 1, 21, 17)."""
    reference = torch.zeros(2, 1, 21, 17, dtype=torch.float64)
    reference[:, :, 5:15, 4:12] = 0.8
    reference[1, :, 9:] += 0.2
    return (reference + 0.1 * torch.randn(reference.shape, generator=rng).double()).clamp(0, 1), reference


def of_skimage(x: Tensor, reference: Tensor, data_range: float) -> tuple[float, Tensor]:
    mean, values = structural_similarity(
        x.numpy(),
        reference.numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=data_range,
        full=True,
    )
    return mean, torch.from_numpy(values)


@pytest.mark.parametrize("data_range", [1.0, 2.0])
def test_it_is_that_of_skimage(images: tuple[Tensor, Tensor], data_range: float) -> None:
    x, reference = images
    for i in range(2):
        mean, values = of_skimage(x[i, 0], reference[i, 0], data_range)
        one = x[i : i + 1], reference[i : i + 1]
        inside = ssim_map(*one, data_range=data_range, border="inside")
        torch.testing.assert_close(inside[0, 0], values[5:-5, 5:-5])
        assert float(ssim_loss(*one, data_range=data_range, border="inside")) == pytest.approx(-mean)
        wide, wide_reference = (functional.pad(image, (10,) * 4)[0, 0] for image in one)
        _, values = of_skimage(wide, wide_reference, data_range)
        torch.testing.assert_close(ssim_map(*one, data_range=data_range)[0, 0], values[10:-10, 10:-10])
    whole = ssim_map(x, reference, data_range=data_range).mean()
    assert float(ssim_loss(x, reference, data_range=data_range)) == -float(whole)


def test_range_2_flatters(images: tuple[Tensor, Tensor]) -> None:
    assert ssim_loss(*images, data_range=2) < ssim_loss(*images, data_range=1) < -0.1


@pytest.mark.parametrize("border", ["zeros", "inside"])
def test_equal_images_have_the_loss_minus_1(border, images: tuple[Tensor, Tensor]) -> None:  # type: ignore[no-untyped-def]
    x = images[0].float()
    assert float(ssim_loss(x, x, border=border)) == pytest.approx(-1, abs=1e-6)


def test_the_gradient_is_that_of_differences(images: tuple[Tensor, Tensor]) -> None:
    x, reference = (image[:1, :, :13, :12] for image in images)
    torch.autograd.gradcheck(lambda x: ssim_loss(x, reference), x.clone().requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("value", [0.0, 0.7, 1.0])
def test_the_gradient_is_finite_where_images_are_constant(value: float) -> None:
    x = torch.full((1, 1, 12, 15), value, requires_grad=True)
    loss = ssim_loss(x, torch.full_like(x, 0.7))
    loss.backward()
    assert loss.isfinite() and x.grad is not None and x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("x", "reference", "options", "words"),
    [
        ((1, 1, 12, 12), (1, 1, 12, 13), {}, r"one shape \(n, channel, y, x\), got \(1, 1, 12, 12\) and"),
        ((12, 12), (12, 12), {}, "x and reference must have one shape"),
        ((1, 1, 12, 10), (1, 1, 12, 10), {"border": "inside"}, r"at least 11 pixels .*, got \(12, 10\)"),
        ((1, 1, 12, 12), (1, 1, 12, 12), {"data_range": 0}, "data_range must be positive, got 0"),
    ],
)
def test_images_that_do_not_fit_are_refused(x, reference, options, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        ssim_loss(torch.zeros(x), torch.zeros(reference), **options)

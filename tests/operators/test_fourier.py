import numpy as np
import pytest
import sigpy
import torch

from proxflow.operators.fourier import centring_phases, fft2c, ifft2c

SHAPES = [(8, 8), (7, 5), (6, 9), (1, 4), (320, 318)]


@pytest.mark.parametrize("shape", SHAPES)
def test_is_unitary_and_equals_sigpy(shape, rng):
    x = torch.randn(2, *shape, generator=rng, dtype=torch.complex128)
    y = fft2c(x)
    assert torch.allclose(ifft2c(y), x, atol=1e-13)
    assert torch.allclose(y.norm(), x.norm())
    assert np.allclose(y.numpy(), sigpy.fft(x.numpy(), axes=(-2, -1)), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_phases_replace_the_shifts(shape, rng):
    x = torch.randn(shape, generator=rng, dtype=torch.complex128)
    a, b = centring_phases(shape, torch.complex128)
    assert torch.allclose(b * torch.fft.fft2(a * x, norm="ortho"), fft2c(x), atol=1e-12)


def test_a_constant_image_has_its_energy_at_the_centre():
    y = fft2c(torch.ones(7, 6, dtype=torch.complex64))
    assert y[3, 3].real == pytest.approx(42**0.5, rel=1e-6)
    assert y.abs().sum() == pytest.approx(42**0.5, rel=1e-4)

import numpy as np
import pytest
import pywt
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.wavelet import Wavelet

SHAPES = [(16, 16), (7, 9), (33, 21), (30, 44), (224, 13)]


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db4", "sym8", "coif2"])
@pytest.mark.parametrize("shape", SHAPES)
def test_is_orthonormal(wavelet, shape, rng):
    W = Wavelet(shape, wavelet, levels=3)
    x = torch.randn(2, *shape, generator=rng, dtype=torch.complex128)
    assert torch.allclose(W.adjoint(W.forward(x)), x, atol=1e-11)  # sym8's taps have 12 digits
    assert torch.allclose(W.forward(W.adjoint(x)), x, atol=1e-11)
    assert torch.equal(W.normal(x), x)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(shape, dtype, batch, rng):
    assert_adjoint(Wavelet(shape, levels=2), rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym8", "coif2"])
@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.filterwarnings("ignore:Level value of")
def test_equals_pywavelets_at_even_sizes(wavelet, levels, rng):
    x = torch.randn(2, 32, 48, generator=rng, dtype=torch.complex128)
    W = Wavelet((32, 48), wavelet, levels)
    theirs = pywt.wavedec2(x.numpy(), wavelet, "periodization", levels, axes=(-2, -1))
    packed, _ = pywt.coeffs_to_array(theirs, axes=(-2, -1))
    assert np.allclose(W.forward(x).numpy(), packed, atol=1e-12)
    assert W.approximation_shape == theirs[0].shape[-2:]


def test_approximation_shape_rounds_up():
    assert Wavelet((33, 21), levels=3).approximation_shape == (5, 3)


def test_a_constant_image_has_no_details():
    W = Wavelet((32, 32), "db4", 3)
    y = W.forward(torch.ones(32, 32, dtype=torch.float64))
    assert torch.allclose(y[:4, :4], torch.full((4, 4), 8.0, dtype=torch.float64))
    y[:4, :4] = 0
    assert y.abs().max() < 1e-10


def test_autograd(rng):
    W = Wavelet((5, 6), "db2", 2)
    x = torch.randn(2, 5, 6, generator=rng, dtype=torch.complex128, requires_grad=True)
    y = torch.randn(2, 5, 6, generator=rng, dtype=torch.complex128)
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(W.forward(x) * y.conj())), x)
    assert torch.allclose(gradient, W.adjoint(y))
    assert torch.autograd.gradcheck(W.forward, x)
    assert torch.autograd.gradcheck(W.adjoint, x)


@pytest.mark.parametrize("wavelet", ["bior2.2", "morl", "nonsense"])
def test_only_orthogonal_wavelets(wavelet):
    with pytest.raises(ValueError, match="wavelet must be an orthogonal one of PyWavelets"):
        Wavelet((16, 16), wavelet)


def test_too_many_levels_are_refused():
    with pytest.raises(ValueError, match=r"levels must be 0 to 3 for shape \(5, 9\), got 4"):
        Wavelet((5, 9), "db4", 4)
    with pytest.raises(ValueError, match=r"levels must be 0 to 3"):
        Wavelet((5, 9), "db4", -1)

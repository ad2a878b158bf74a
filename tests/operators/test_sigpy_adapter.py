import numpy as np
import sigpy
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.sigpy_adapter import from_sigpy, to_sigpy

SHAPE = (7, 6)


def sense(rng):
    maps = torch.randn(2, *SHAPE, generator=rng, dtype=torch.complex128)
    return CartesianSense(torch.rand(SHAPE, generator=rng) < 0.5, maps)


def test_there_and_back(rng):
    A = sense(rng)
    B = from_sigpy(to_sigpy(A))
    x = torch.randn(2, *SHAPE, generator=rng, dtype=torch.complex128)
    y = torch.randn(2, 2, *SHAPE, generator=rng, dtype=torch.complex128)
    assert B.domain_shape == A.domain_shape and B.range_shape == A.range_shape
    assert torch.allclose(B.forward(x), A.forward(x))
    assert torch.allclose(B.adjoint(y), A.adjoint(y))
    assert torch.allclose(B.normal(x), A.normal(x))


def test_linop_under_a_sigpy_app(rng):
    A = sense(rng)
    x = torch.randn(SHAPE, generator=rng, dtype=torch.complex128)
    y = A.forward(x).numpy()
    linop = to_sigpy(A)
    assert linop.H.H is linop
    mine = sigpy.app.LinearLeastSquares(linop, y, lamda=0.1, max_iter=200, show_pbar=False).run()
    gradient = (
        A.normal(torch.from_numpy(mine)) - A.adjoint(torch.from_numpy(y)) + 0.1 * torch.from_numpy(mine)
    )
    assert float(gradient.norm()) < 1e-8 * float(np.linalg.norm(y))


def test_linop_under_our_algebra(rng):
    fft = from_sigpy(sigpy.linop.FFT(SHAPE))
    for dtype in (torch.complex64, torch.complex128):
        assert_adjoint(fft, rng, dtype=dtype, batch=(2, 1))
        assert_adjoint(2j * fft.H @ fft, rng, dtype=dtype)
    x = torch.randn(SHAPE, generator=rng, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(fft.forward, x)

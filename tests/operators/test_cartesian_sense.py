import numpy as np
import pytest
import sigpy.mri
import torch

from proxflow.operators import cartesian_sense
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.fourier import fft2c, ifft2c

SHAPES = [(8, 8), (7, 5), (6, 9), (1, 4), (33, 40)]
MASKS = ["points", "lines along y", "lines along x", "full", "empty"]


def make_mask(kind, shape, rng):
    ny, nx = shape
    if kind == "points":
        return torch.rand(shape, generator=rng) < 0.4
    if kind == "lines along y":
        return (torch.arange(nx) % 3 == 0).expand(shape)
    if kind == "lines along x":
        return (torch.arange(ny) % 3 == 0)[:, None].expand(shape)
    return torch.full(shape, kind == "full")


def make_sense(kind, shape, rng, n_coils=3, dtype=torch.complex128):
    maps = torch.randn(n_coils, *shape, generator=rng, dtype=dtype)
    return CartesianSense(make_mask(kind, shape, rng), maps)


def gaussian(shape, rng, dtype=torch.complex128):
    return torch.randn(shape, generator=rng, dtype=dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", MASKS)
def test_equals_its_definition(kind, shape, rng):
    A = make_sense(kind, shape, rng)
    x, y = gaussian((2, *shape), rng), gaussian((2, 3, *shape), rng)
    forward = A.mask * fft2c(A.coil_maps * x[:, None])
    adjoint = (A.coil_maps.conj() * ifft2c(A.mask * y)).sum(1)
    normal = (A.coil_maps.conj() * ifft2c(forward)).sum(1)
    assert torch.allclose(A.forward(x), forward, atol=1e-12)
    assert torch.allclose(A.adjoint(y), adjoint, atol=1e-12)
    assert torch.allclose(A.normal(x), normal, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_adjoint(kind, shape, dtype, batch, rng):
    A = make_sense(kind, shape, rng, dtype=dtype)
    assert_adjoint(A, rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("shape", [(32, 48), (31, 45)])
def test_equals_sigpy_sense(kind, shape, rng):
    A = make_sense(kind, shape, rng, n_coils=4, dtype=torch.complex64)
    x = gaussian(shape, rng, torch.complex64)
    theirs = sigpy.mri.linop.Sense(A.coil_maps.numpy(), weights=A.mask.numpy().astype(np.float32))
    y = A.forward(x)
    pairs = [
        (y, theirs * x.numpy()),
        (A.adjoint(y), theirs.H * y.numpy()),
        (A.normal(x), theirs.N * x.numpy()),
    ]
    for mine, expected in pairs:
        assert np.linalg.norm(mine.numpy() - expected) <= 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("chunk_bytes", [1, 1500, 40_000])
def test_chunks_do_not_change_the_result(kind, chunk_bytes, rng, monkeypatch):
    A = make_sense(kind, (10, 9), rng, n_coils=5)
    x, y = gaussian((4, 10, 9), rng), gaussian((4, 5, 10, 9), rng)
    whole = A.forward(x), A.adjoint(y), A.normal(x)
    monkeypatch.setattr(cartesian_sense, "CPU_CHUNK_BYTES_PER_THREAD", chunk_bytes)
    for before, after in zip(whole, (A.forward(x), A.adjoint(y), A.normal(x)), strict=True):
        assert torch.allclose(before, after, atol=1e-13)


@pytest.mark.parametrize("kind", MASKS)
def test_autograd_of_each_map_is_its_adjoint(kind, rng):
    A = make_sense(kind, (5, 4), rng, n_coils=2)
    x, y = gaussian((2, 5, 4), rng).requires_grad_(), gaussian((2, 2, 5, 4), rng).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(A.forward(x) * y.detach().conj())), x)
    assert torch.allclose(gradient, A.adjoint(y))
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(A.adjoint(y) * x.detach().conj())), y)
    assert torch.allclose(gradient, A.forward(x))
    for function, argument in ((A.forward, x), (A.adjoint, y), (A.normal, x)):
        assert torch.autograd.gradcheck(function, argument)
    assert torch.autograd.gradgradcheck(A.normal, x)


def test_one_fully_sampled_coil_is_recovered(rng):
    shape = (15, 12)
    A = CartesianSense(torch.ones(shape, dtype=torch.bool), torch.ones(1, *shape, dtype=torch.complex128))
    x = gaussian(shape, rng)
    assert torch.allclose(A.adjoint(A.forward(x)), x, atol=1e-14)
    assert torch.allclose(A.normal(x), x, atol=1e-14)


@pytest.mark.filterwarnings("ignore:Complex modules")
def test_dtype_of_the_input_decides_and_phases_are_made_in_it(rng):
    A = make_sense("points", (7, 9), rng, dtype=torch.complex64)
    double = CartesianSense(A.mask, A.coil_maps.to(torch.complex128))
    x = gaussian((7, 9), rng)
    assert A.forward(x).dtype == torch.complex128
    assert torch.allclose(A.normal(x), double.normal(x), atol=1e-13)
    assert double.normal(x.to(torch.complex64)).dtype == torch.complex64
    assert A.to(torch.complex128).coil_maps.dtype == torch.complex128
    assert torch.allclose(A.normal(x), double.normal(x), atol=1e-13)


def test_non_contiguous_and_conjugated_inputs(rng):
    A = make_sense("points", (6, 9), rng)
    x, y = gaussian((9, 6), rng).mT.conj(), gaussian((6, 9, 3), rng).permute(2, 0, 1).conj()
    plain_x, plain_y = x.resolve_conj().contiguous(), y.resolve_conj().contiguous()
    assert torch.equal(A.forward(x), A.forward(plain_x))
    assert torch.equal(A.normal(x), A.normal(plain_x))
    assert torch.equal(A.adjoint(y), A.adjoint(plain_y))


def test_inputs_are_left_as_they_were(rng):
    A = make_sense("points", (6, 8), rng)
    x, y, maps = gaussian((6, 8), rng), gaussian((3, 6, 8), rng), A.coil_maps.clone()
    copies = x.clone(), y.clone()
    A.forward(x), A.adjoint(y), A.normal(x)
    assert torch.equal(x, copies[0]) and torch.equal(y, copies[1]) and torch.equal(A.coil_maps, maps)


@pytest.mark.parametrize(
    ("mask", "maps", "message"),
    [
        (
            torch.ones(4, 5, dtype=torch.bool),
            torch.ones(2, 4, 5),
            "coil_maps must be complex, got torch.float32",
        ),
        (torch.ones(4, 5), torch.ones(2, 4, 5) + 0j, "mask must be bool, got torch.float32"),
        (torch.ones(4, 5, dtype=torch.bool), torch.ones(4, 5) + 0j, "coil_maps must have shape"),
        (
            torch.ones(5, 4, dtype=torch.bool),
            torch.ones(2, 4, 5) + 0j,
            r"mask must have shape \(ny, nx\) = \(4, 5\) like coil_maps, got \(5, 4\)",
        ),
    ],
)
def test_bad_arguments_are_refused(mask, maps, message):
    with pytest.raises(ValueError, match=message):
        CartesianSense(mask, maps)


def test_bad_inputs_are_refused(rng):
    A = make_sense("points", (4, 5), rng)
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 5\), got shape \(5, 4\)"):
        A.forward(torch.ones(5, 4) + 0j)
    with pytest.raises(ValueError, match=r"y must end in axes \(3, 4, 5\)"):
        A.adjoint(torch.ones(4, 5) + 0j)
    with pytest.raises(ValueError, match=r"x must be complex, got torch.float32"):
        A.normal(torch.ones(4, 5))

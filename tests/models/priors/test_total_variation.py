import cmath

import pytest
import torch
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from proxflow.models.priors.total_variation import total_variation, tv_prox

SHAPES = [(8, 6), (7, 5), (1, 9), (9, 1), (13, 22)]


def differences(x: Tensor) -> Tensor:
    """D x written plainly, (*batch, 2, ny, nx)."""
    dy, dx = torch.zeros_like(x), torch.zeros_like(x)
    dy[..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    dx[..., :-1] = x[..., 1:] - x[..., :-1]
    return torch.stack([dy, dx], dim=-3)


def adjoint_differences(u: Tensor) -> Tensor:
    """D^H u from the definition <D x, u> = <x, D^H u>, by autograd."""
    x = u.new_zeros((*u.shape[:-3], *u.shape[-2:])).requires_grad_()
    (result,) = torch.autograd.grad((differences(x) * u.conj()).sum().real, x)
    return result


def modulus(u: Tensor) -> Tensor:
    return u.abs().square().sum(-3).sqrt()


def complex_image(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randn(shape, dtype=torch.complex128, generator=rng)


@pytest.mark.parametrize("shape", SHAPES)
def test_total_variation_follows_its_definition(shape: tuple[int, int], rng: torch.Generator) -> None:
    x = complex_image((3, *shape), rng)
    torch.testing.assert_close(total_variation(x), modulus(differences(x)).sum((-2, -1)))
    torch.testing.assert_close(total_variation(x.real[0]), modulus(differences(x.real[0])).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_tv_prox_is_optimal_by_its_duality_gap(shape: tuple[int, int], rng: torch.Generator) -> None:
    v, lam = complex_image(shape, rng), 0.4
    x, u = tv_prox(v, lam, n_iter=20000, tol=1e-11)
    assert modulus(u).max() <= lam * (1 + 1e-12)
    primal = 0.5 * (x - v).abs().square().sum() + lam * modulus(differences(x)).sum()
    dual = 0.5 * v.abs().square().sum() - 0.5 * (v - adjoint_differences(u)).abs().square().sum()
    torch.testing.assert_close(x, v - adjoint_differences(u))
    assert abs(primal - dual) < 1e-8


def test_tv_prox_passes_a_global_phase_through(rng: torch.Generator) -> None:
    v, phase = complex_image((11, 7), rng), cmath.exp(0.7j)
    x, _ = tv_prox(v, 0.3, n_iter=50)
    turned, _ = tv_prox(phase * v, 0.3, n_iter=50)
    torch.testing.assert_close(turned, phase * x, rtol=0, atol=1e-13)


def test_tv_prox_passes_a_constant_through(rng: torch.Generator) -> None:
    v, constant = complex_image((11, 7), rng), 3 - 5j
    x, _ = tv_prox(v, 0.3, n_iter=50)
    moved, _ = tv_prox(v + constant, 0.3, n_iter=50)
    torch.testing.assert_close(moved, x + constant, rtol=0, atol=1e-13)


def test_tv_prox_of_a_real_image_meets_scikit_image(rng: torch.Generator) -> None:
    v = torch.rand(23, 31, dtype=torch.float64, generator=rng)
    expected = denoise_tv_chambolle(v.numpy(), weight=0.15, eps=1e-12, max_num_iter=20000)
    real, _ = tv_prox(v, 0.15, n_iter=20000, tol=1e-11)
    as_complex, _ = tv_prox(v.to(torch.complex128), 0.15, n_iter=20000, tol=1e-11)
    assert (real - torch.from_numpy(expected)).abs().max() < 2e-4  # Chambolle's iteration converges slowly
    torch.testing.assert_close(as_complex.real, real)
    assert as_complex.imag.abs().max() == 0


def test_tv_prox_limits(rng: torch.Generator) -> None:
    v = complex_image((2, 7, 5), rng)
    x, dual = tv_prox(v, 0.0)
    assert torch.equal(x, v) and x is not v and not dual.any()
    x, _ = tv_prox(v, 1e3, n_iter=20000, tol=1e-13)
    torch.testing.assert_close(x, v.mean((-2, -1), keepdim=True).expand_as(v), rtol=0, atol=1e-6)


def test_tv_prox_batch_items_are_independent_and_arguments_untouched(rng: torch.Generator) -> None:
    v = complex_image((2, 3, 9, 6), rng)
    kept = v.clone()
    x, dual = tv_prox(v, 0.3, n_iter=15)
    alone, alone_dual = tv_prox(v[1, 2], 0.3, n_iter=15)
    assert torch.equal(x[1, 2], alone) and torch.equal(dual[1, 2], alone_dual)
    kept_dual = dual.clone()
    tv_prox(v, 0.3, n_iter=15, dual=dual)
    assert torch.equal(v, kept) and torch.equal(dual, kept_dual)


def test_tv_prox_warm_start_goes_on_where_it_ended(rng: torch.Generator) -> None:
    v = complex_image((16, 15), rng)
    best, _ = tv_prox(v, 0.3, n_iter=20000, tol=1e-13)
    cold, dual = tv_prox(v, 0.3, n_iter=30)
    warm, _ = tv_prox(v, 0.3, n_iter=30, dual=dual)
    assert (warm - best).norm() < 0.5 * (cold - best).norm()


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_tv_prox_in_single_precision(rng: torch.Generator, offset: float) -> None:
    v = complex_image((24, 17), rng) + offset
    x, dual = tv_prox(v.to(torch.complex64), 0.3, n_iter=40)
    expected, _ = tv_prox(v, 0.3, n_iter=40)
    assert x.dtype == dual.dtype == torch.complex64
    assert (x - expected).abs().max() < 3e-6 * (1 + offset)


def test_tv_prox_refuses() -> None:
    v = torch.zeros(4, 3)
    for lam in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lam must be at least 0"):
            tv_prox(v, lam)
    with pytest.raises(ValueError, match=r"dual must have shape \(2, 4, 3\), got \(2, 3, 4\)"):
        tv_prox(v, 1.0, dual=torch.zeros(2, 3, 4))

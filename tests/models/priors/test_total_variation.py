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
    few, _ = tv_prox(v, 0.15, n_iter=200)
    as_complex, _ = tv_prox(v.to(torch.complex128), 0.15, n_iter=200)
    assert (real - torch.from_numpy(expected)).abs().max() < 2e-4  # Chambolle's iteration converges slowly
    torch.testing.assert_close(as_complex.real, few)
    assert as_complex.imag.abs().max() == 0


def test_tv_prox_limits(rng: torch.Generator) -> None:
    v = complex_image((2, 7, 5), rng)
    x, dual = tv_prox(v, 0.0)
    assert torch.equal(x, v) and x is not v and not dual.any()
    x, _ = tv_prox(v, 1e3, n_iter=2000, tol=1e-13)
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


VOLUMES = [(4, 6, 5), (1, 7, 5), (3, 1, 8), (5, 4, 1), (2, 3, 4)]


def volume_differences(x: Tensor) -> Tensor:
    """D x of volumes written plainly, (*batch, 3, nz, ny, nx)."""
    parts = []
    for axis in (-3, -2, -1):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        parts.append(x.diff(dim=axis, append=last))
    return torch.stack(parts, dim=-4)


@pytest.mark.parametrize("shape", VOLUMES)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_tv_prox_of_volumes_is_optimal_by_its_duality_gap(
    shape: tuple[int, ...], nonnegative: bool, rng: torch.Generator
) -> None:
    v, lam = complex_image((2, *shape), rng), 0.3
    v = v.real if nonnegative else v
    x, u = tv_prox(v, lam, n_axes=3, nonnegative=nonnegative, n_iter=4000, tol=1e-10)
    gradient = volume_differences(x)
    norms = gradient.abs().square().sum(-4).sqrt()
    torch.testing.assert_close(total_variation(x, n_axes=3), norms.sum((-3, -2, -1)))
    assert u.abs().square().sum(-4).sqrt().max() <= lam * (1 + 1e-12)
    y = torch.zeros_like(v).requires_grad_()
    (divergence,) = torch.autograd.grad((volume_differences(y) * u.conj()).sum().real, y)
    expected = (v - divergence).clamp_min(0) if nonnegative else v - divergence
    torch.testing.assert_close(x, expected)
    primal = 0.5 * (x - v).abs().square().sum() + lam * norms.sum()
    dual = 0.5 * (x - v).abs().square().sum() + (u.conj() * gradient).sum().real
    assert abs(primal - dual) < 1e-8 * primal  # at x the Lagrangian is least over x, so this is the gap


def test_tv_prox_of_a_volume_that_varies_along_two_axes_is_that_of_images(rng: torch.Generator) -> None:
    image = complex_image((7, 5), rng)
    expected, _ = tv_prox(image, 0.3, n_iter=20000, tol=1e-13)
    for axis in range(3):
        volume = image.unsqueeze(axis).expand(*image.shape[:axis], 4, *image.shape[axis:])
        x, _ = tv_prox(volume, 0.3, n_axes=3, n_iter=20000, tol=1e-13)
        assert (x - expected.unsqueeze(axis)).abs().max() < 2e-6
        torch.testing.assert_close(total_variation(volume, n_axes=3), 4 * total_variation(image))


def test_tv_prox_of_steps_along_one_axis_has_its_closed_form() -> None:
    """Two constant halves of n/2 slices approach one another by 2 lam / n each; below 0 they stop at 0."""
    v = torch.ones(6, 4, 3, dtype=torch.float64)
    v[:3] = -1.0
    x, _ = tv_prox(v, 0.6, n_axes=3, n_iter=20000, tol=1e-14)
    torch.testing.assert_close(x[:, 0, 0], torch.tensor([-0.8] * 3 + [0.8] * 3).to(v), rtol=0, atol=1e-6)
    x, _ = tv_prox(v, 0.6, n_axes=3, nonnegative=True, n_iter=20000, tol=1e-14)
    torch.testing.assert_close(x[:, 0, 0], torch.tensor([0.0] * 3 + [0.8] * 3).to(v), rtol=0, atol=1e-6)


def by_admm(v: Tensor, lam: float, n_iter: int) -> Tensor:
    """TV with x >= 0 by ADMM on x = z, alternating plain ``tv_prox`` and the projection."""
    z, u = v.clamp_min(0), torch.zeros_like(v)
    for _ in range(n_iter):
        x, _ = tv_prox((v + z - u) / 2, lam / 2, n_iter=500, tol=1e-11)
        z = (x + u).clamp_min(0)
        u = u + x - z
    return z


def test_tv_prox_with_nonnegativity_is_not_the_projected_prox(rng: torch.Generator) -> None:
    v = torch.randn(9, 8, dtype=torch.float64, generator=rng)
    x, dual = tv_prox(v, 0.3, nonnegative=True, n_iter=4000, tol=1e-12)
    expected = by_admm(v, 0.3, 40)
    projected = tv_prox(v, 0.3, n_iter=2000)[0].clamp_min(0)
    assert (x - expected).abs().max() < 1e-4 < 0.01 < (projected - expected).abs().max()
    assert (x >= 0).all() and (x == 0).any()
    warm, _ = tv_prox(v, 0.3, nonnegative=True, n_iter=10, dual=dual)
    assert (warm - x).abs().max() < 1e-4


def test_tv_prox_with_nonnegativity_keeps_the_real_part(rng: torch.Generator) -> None:
    v = complex_image((2, 9, 8), rng)
    x, dual = tv_prox(v, 0.3, nonnegative=True, n_iter=30)
    expected, expected_dual = tv_prox(v.real, 0.3, nonnegative=True, n_iter=30)
    assert x.dtype == v.dtype and torch.equal(x.real, expected) and not x.imag.any()
    assert dual.dtype == torch.float64 and torch.equal(dual, expected_dual)
    x, _ = tv_prox(v, 0.0, nonnegative=True)
    assert torch.equal(x, v.real.clamp_min(0).to(v.dtype))


def test_tv_refuses_other_numbers_of_axes() -> None:
    for n_axes in (1, 4):
        with pytest.raises(ValueError, match=f"n_axes must be 2 or 3, got {n_axes}"):
            tv_prox(torch.zeros(5, 5, 5, 5), 1.0, n_axes=n_axes)
    with pytest.raises(ValueError, match=r"x must have at least 3 axes, got shape \(4, 3\)"):
        total_variation(torch.zeros(4, 3), n_axes=3)

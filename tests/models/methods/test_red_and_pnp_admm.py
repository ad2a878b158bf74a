"""Denoisers in a prior's place: closed forms of linear ones, units, reports, resuming."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.prior_denoiser import PriorDenoiser
from proxflow.models.methods.pnp_admm import pnp_admm
from proxflow.models.methods.red import red
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.dense import MatrixOperator

METHODS = {"red": red, "pnp_admm": pnp_admm}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
SIGMA = 0.4


def wiener(rng: torch.Generator) -> PriorDenoiser:
    """A denoiser that is linear, Hermitian and a proximal map, for images (9, 7)."""
    spectrum = 0.1 + torch.rand(9, 7, dtype=torch.float64, generator=rng)
    return PriorDenoiser(ImagePrior(FourierWiener(spectrum)))


def matrix_of(denoise: Any) -> Tensor:
    basis = torch.eye(63, dtype=torch.complex128).view(63, 9, 7)
    return denoise(basis, SIGMA).view(63, 63).mT


def dense_solve(dense: Any, penalty: Tensor, y: Tensor) -> Tensor:
    """(A^H A + penalty) x = A^H y."""
    normal = dense.matrix.mH @ dense.matrix
    b = dense.adjoint(y).flatten(-2)
    return torch.linalg.solve(normal + penalty, b.mT).mT.view(3, 9, 7)


@pytest.mark.parametrize("n_cg", [2, 8])
def test_red_with_a_linear_denoiser_is_the_linear_solve(
    dense: Any, y: Tensor, n_cg: int, rng: torch.Generator
) -> None:
    denoise, lam = wiener(rng), 0.2
    found = red(dense, y, denoiser=denoise, lam=lam, sigma=SIGMA, n_cg=n_cg, n_iter=400, tol=0, unit=3.0)
    eye = torch.eye(63, dtype=torch.complex128)
    torch.testing.assert_close(found.image, dense_solve(dense, lam * (eye - matrix_of(denoise)), y))


@pytest.mark.parametrize("n_cg", [2, 8])
def test_pnp_with_a_proximal_map_is_the_minimum(
    dense: Any, y: Tensor, n_cg: int, rng: torch.Generator
) -> None:
    """D = (I + H / rho)^-1 is the proximal map of 1/2 <x, H x> / rho."""
    denoise, rho = wiener(rng), 0.2
    found = pnp_admm(dense, y, denoiser=denoise, rho=rho, sigma=SIGMA, n_cg=n_cg, n_iter=400, tol=0)
    eye = torch.eye(63, dtype=torch.complex128)
    hessian = rho * (torch.linalg.inv(matrix_of(denoise)) - eye)
    torch.testing.assert_close(found.image, dense_solve(dense, hessian, y))


def test_growth_of_rho_keeps_the_minimum_of_a_prior(dense: Any, y: Tensor, rng: torch.Generator) -> None:
    """S / (S + sigma^2) is the proximal map of sigma^2 |x|^2 / 2 S: growth keeps rho sigma^2."""
    numbers: dict[str, Any] = {"denoiser": wiener(rng), "rho": 0.05, "sigma": SIGMA, "tol": 0, "n_cg": 20}
    still = pnp_admm(dense, y, n_iter=200, **numbers).image
    grown = pnp_admm(dense, y, n_iter=200, rho_growth=1.02, **numbers).image
    assert float((grown - still).norm() / still.norm()) < 2e-3
    quick = numbers | {"n_cg": 2}
    long = pnp_admm(dense, y, n_iter=400, rho_growth=10.0, **quick).image  # 10^400 is no number
    assert bool(long.isfinite().all())


@every_method
def test_denoisers_are_told_sigma_and_see_slices_in_their_unit(method: Any, rng: torch.Generator) -> None:
    matrix = torch.randn(40, 60, dtype=torch.float64, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (3, 4, 5), (40,))
    y = operator.forward(torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=rng))
    seen: list[tuple[Tensor, float]] = []

    def denoise(images: Tensor, sigma: float) -> Tensor:
        seen.append((images, sigma))
        return images

    unit = torch.tensor([2.0, 50.0])
    method(operator, y, denoiser=denoise, sigma=0.3, n_iter=1, unit=unit)
    near = method(operator, y, denoiser=denoise, sigma=0.3, n_iter=1)
    (by_unit, told), (by_own, _) = seen
    assert told == 0.3 and by_unit.shape == (6, 4, 5) and near.image.shape == (2, 3, 4, 5)
    scale = (by_unit * unit.double().repeat_interleave(3)[:, None, None] / by_own).view(2, -1)
    torch.testing.assert_close(scale, scale[:, :1].expand(scale.shape))
    assert by_own.view(2, -1).abs().amax(-1) == pytest.approx([1.0, 1.0], rel=0.3)


@every_method
def test_the_gain_of_the_data_passes_through(method: Any, dense: Any, y: Tensor) -> None:
    plain, loud = (method(dense, g * y, denoiser=LevelTv(), n_iter=5, tol=0).image for g in (1, 1e4))
    torch.testing.assert_close(loud, 1e4 * plain)


@every_method
def test_pixels_that_are_not_seen_stay_dark(method: Any, rng: torch.Generator) -> None:
    seen = torch.rand(5, 4, generator=rng) > 0.3

    matrix = torch.randn(12, 20, dtype=torch.complex128, generator=rng) / 8 * seen.flatten()
    operator = MatrixOperator(matrix, (5, 4), (12,))
    y = torch.randn(12, dtype=torch.complex128, generator=rng)
    found = method(operator, y, denoiser=lambda images, sigma: images + 1, n_iter=6).image
    assert torch.equal(found != 0, seen)


@every_method
def test_reports_are_true_and_a_stopped_run_goes_on(method: Any, dense: Any, y: Tensor) -> None:
    kept: list[Checkpoint] = []
    trace: list[Iteration] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        trace.append(iteration)
        kept.append(Checkpoint(iteration.index, state, list(trace)))

    numbers: dict[str, Any] = {"denoiser": LevelTv(), "n_iter": 6, "tol": 0}
    if method is pnp_admm:
        numbers["rho_growth"] = 1.3
    whole = method(dense, y, monitor=monitor, **numbers)
    misfit = (dense.forward(whole.image) - y).norm() / y.norm()
    assert whole.trace[-1].data_residual == pytest.approx(float(misfit), rel=1e-9)
    moved = (whole.image - kept[-2].state[0]).norm() / whole.image.norm()
    assert whole.trace[-1].relative_change == pytest.approx(float(moved), rel=1e-9)
    for checkpoint in kept[:-1]:
        resumed = method(dense, y, resume=checkpoint, **numbers)
        assert torch.equal(resumed.image, whole.image) and resumed.trace == whole.trace


@every_method
def test_numbers_that_are_none_are_refused(method: Any, dense: Any, y: Tensor) -> None:
    weight = "lam" if method is red else "rho"
    with pytest.raises(ValueError, match=f"{weight} must be positive, got 0"):
        method(dense, y, denoiser=LevelTv(), **{weight: 0.0})
    with pytest.raises(ValueError, match="sigma must be at least 0, got -1"):
        method(dense, y, denoiser=LevelTv(), sigma=-1.0)
    with pytest.raises(DivergenceError):
        method(dense, y, denoiser=lambda images, sigma: images * torch.nan)


def test_rho_does_not_shrink(dense: Any, y: Tensor) -> None:
    with pytest.raises(ValueError, match=r"rho_growth must be at least 1, got 0.5"):
        pnp_admm(dense, y, denoiser=LevelTv(), rho_growth=0.5)

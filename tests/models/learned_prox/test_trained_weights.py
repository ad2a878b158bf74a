"""The identities of learned proximal networks on the weights that ship, at a slice of a chest and noise."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from proxflow.configs.denoiser import SHIPPED_PROXES
from proxflow.data.open_scan import open_scan
from proxflow.models.calibration.image_unit import bright
from proxflow.models.diffusion.noisy_images import channels_of
from proxflow.models.diffusion.smooth_phase import smooth_phase
from proxflow.models.learned_prox.image_prox import prior_value
from proxflow.models.learned_prox.inversion import inverted
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.relaxed_prox import RelaxedProx
from proxflow.models.methods.lpn import Solver, lpn
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.tasks.denoisers import file_of
from proxflow.tasks.lpn_networks import open_lpn

SHIPPED = [name for name in SHIPPED_PROXES if (path := file_of(name)) is not None and path.is_file()]
CORNERS = ((0, 0), (32, 32), (64, 64), (32, 0), (0, 64))  # of patches of the slice
WINDOW = 6  # pixels along a block of the Jacobian, of 36 numbers
every_solver = pytest.mark.parametrize("solver", ["pgd", "admm"])


class Trained(NamedTuple):
    """A network in float64, patches of its slice, (5, channels, side, side), and all of it, (1, channels,
    128, 128); the noise it takes off."""

    prox: NetworkProx
    clean: Tensor
    whole: Tensor
    sigma: float


def chest() -> Tensor:
    """A slice that no network was trained on, float64 (128, 128), from 0 to 1."""
    with open_scan("sample://dynamic-ct-lung") as scan:
        image = torch.from_numpy(scan.read([0]).reference[0, 0]).double()
    return (image / bright(image, 2)).clamp(0, 1)


@pytest.fixture(scope="module", params=SHIPPED)
def trained(request: pytest.FixtureRequest) -> Trained:
    network, told = open_lpn(request.param)
    assert told is not None
    prox, image = NetworkProx(network.double()), chest()
    if prox.channels == 2:
        phase = smooth_phase(len(image), torch.Generator().manual_seed(3))
        image = torch.polar(image, phase.double())
    whole = channels_of(image[None])
    cut = [whole[0, :, y : y + prox.side, x : x + prox.side] for y, x in CORNERS]
    return Trained(prox, torch.stack(cut), whole, told.sigma)


def noise(like: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(like.shape, dtype=like.dtype, generator=rng)


def products(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> of every image."""
    return (a * b).flatten(1).sum(1)


def points(trained: Trained, rng: torch.Generator) -> Tensor:
    """Patches, those beside them, with the noise of the training and with ten times as much; mere noise."""
    clean, sigma = trained.clean, trained.sigma
    levels = (0.0, 1e-3, sigma, 10 * sigma)
    return torch.cat([*(clean + level * noise(clean, rng) for level in levels), noise(clean[:2], rng)])


def asymmetry(prox: NetworkProx, at: Tensor, rng: torch.Generator) -> float:
    """|<J u, w> - <u, J w>| / (||J u|| ||w||)."""
    u, w = noise(at, rng), noise(at, rng)
    ju, jw = prox.derivative(at, u), prox.derivative(at, w)
    return float((products(ju, w) - products(u, jw)).abs().max() / (ju.norm() * w.norm()))


def test_something_ships() -> None:
    assert "lpn-ct" in SHIPPED


def test_weights_are_non_negative_where_they_must_be(trained: Trained) -> None:
    network = trained.prox.network
    assert all(float(layer.weight.min()) >= 0 for layer in network.lin[1:])
    assert float(network.lin[0].weight.min()) < 0  # the others are free
    assert all(float(layer.weight.min()) < 0 for layer in network.res)


def test_the_jacobian_is_symmetric_and_positive(trained: Trained, rng: torch.Generator) -> None:
    """<J u, w> of whole patches, and all eigenvalues of a block of pixels, of all channels."""
    prox, at = trained.prox, trained.clean[1:2] + trained.sigma * noise(trained.clean[1:2], rng)
    assert asymmetry(prox, at, rng) < 1e-12
    wide, first = WINDOW // prox.channels, (prox.side - WINDOW) // 2
    window = slice(first, first + WINDOW), slice(first, first + wide)
    basis = at.new_zeros(WINDOW**2, *at.shape[1:])
    basis[:, :, *window] = torch.eye(len(basis), dtype=at.dtype).view(-1, prox.channels, WINDOW, wide)
    columns = prox.derivative(at.expand(len(basis), -1, -1, -1), basis)
    block = columns[:, :, *window].reshape(len(basis), len(basis))
    assert float((block - block.T).norm()) < 1e-12 * float(block.norm())
    assert float(torch.linalg.eigvalsh(block)[0]) >= prox.strong_convexity - 1e-12
    alone = prox.strong_convexity * torch.eye(len(block), dtype=block.dtype)
    assert float((block - alone).norm()) > float(alone.norm())  # it is not alpha alone
    step = 1e-5
    slope = (prox(at + step * basis[:1]) - prox(at - step * basis[:1])) / (2 * step)
    torch.testing.assert_close(columns[:1], slope, rtol=1e-5, atol=1e-6)


def test_f_is_the_gradient_of_psi(trained: Trained, rng: torch.Generator) -> None:
    at = trained.clean + trained.sigma * noise(trained.clean, rng)
    step, direction = 1e-5, noise(at, rng)
    ahead, back = (trained.prox.evaluated(at + sign * step * direction).potential for sign in (1, -1))
    wanted = products(trained.prox(at), direction)
    torch.testing.assert_close((ahead - back) / (2 * step), wanted, rtol=1e-6, atol=1e-6)


def test_f_is_monotone_and_psi_convex(trained: Trained, rng: torch.Generator) -> None:
    v, modulus = points(trained, rng), trained.prox.strong_convexity
    image, psi = trained.prox.evaluated(v)
    for k in range(1, len(v)):
        between = v - v.roll(k, 0)
        floor = modulus * products(between, between)
        assert bool((products(image - image.roll(k, 0), between) >= floor).all())
    for k, t in ((1, 0.5), (len(trained.clean), 0.25), (7, 0.75)):  # another patch; the same with other noise
        w = v.roll(k, 0)
        middle = trained.prox.evaluated(t * v + (1 - t) * w).potential
        chord = t * psi + (1 - t) * psi.roll(k, 0) - t * (1 - t) / 2 * modulus * products(v - w, v - w)
        assert bool((middle <= chord + 1e-12 * psi.abs()).all())


def test_f_is_the_proximal_operator_of_its_prior(trained: Trained, rng: torch.Generator) -> None:
    """1/2 ||z - v||^2 + R(z) is least at z = f(v), beside all other z = f(w)."""
    v = points(trained, rng)
    x, psi = trained.prox.evaluated(v)
    prior = prior_value(x, v, psi)
    own = products(x - v, x - v) / 2 + prior
    for k in range(1, len(v)):
        z = x.roll(k, 0)
        other = products(z - v, z - v) / 2 + prior.roll(k, 0)
        assert bool((other >= own - 1e-12 * psi.abs()).all())
    assert float(prior.max() - prior.min()) > 1


def test_inversion_finds_the_point(trained: Trained, rng: torch.Generator) -> None:
    """v errs less than it may: 2 alpha alone would allow half a million times the residual of f."""
    v = trained.clean[1:2] + trained.sigma * noise(trained.clean[1:2], rng)
    x, psi = trained.prox.evaluated(v)
    found = inverted(trained.prox, x, tol=1e-8, n_cg=30)
    assert float(found.residual) < 1e-8
    torch.testing.assert_close(trained.prox(found.v), x, rtol=0, atol=1e-6)
    assert float((found.v - v).norm() / v.norm()) < 1e-5
    along, by_inversion = prior_value(x, v, psi), prior_value(found.image, found.v, found.potential)
    torch.testing.assert_close(by_inversion, along, rtol=0, atol=1e-6)


def deblurred(
    trained: Trained, solver: Solver, sigma: float, rng: torch.Generator, *, strength: float = 1.0
) -> Any:
    """Forty iterations, guaranteed, on a patch with a Gaussian blur and noise of 0.02."""
    side = trained.prox.side
    image = trained.clean[1, 0] if trained.prox.channels == 1 else torch.complex(*trained.clean[1])
    operator = GaussianBlur((side, side), sigma)
    y = operator.forward(image)
    y = y + 0.02 * torch.randn(y.shape, dtype=y.dtype, generator=rng)
    prox = RelaxedProx(trained.prox, strength)
    return lpn(operator, y, prox=prox, solver=solver, n_iter=40, tol=0, unit=1.0, n_cg=60).trace


@every_solver
@pytest.mark.parametrize("strength", [1.0, 0.1])
def test_the_objective_of_a_deblurring_never_increases(
    solver: Solver, strength: float, trained: Trained, rng: torch.Generator
) -> None:
    """With the blur of the recipe."""
    trace = deblurred(trained, solver, 1.0, rng, strength=strength)
    values = [report.objective for report in trace]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    assert values[0] - values[-1] > 1e-2


@every_solver
def test_iterations_come_to_rest(solver: Solver, trained: Trained, rng: torch.Generator) -> None:
    """With half that blur, which leaves a tenth of ||A x||^2 of the finest detail: beyond, iterations may go
    far before they rest."""
    trace = deblurred(trained, solver, 0.5, rng)
    residuals = [dict(report.figures)["fixed_point_residual"] for report in trace]
    assert residuals[-1] < 1e-3 and residuals[-1] < residuals[0] / 20
    assert all(after.objective <= before.objective + 1e-9 for before, after in pairwise(trace))


def test_constant_cover_is_symmetric_and_the_average_is_not(trained: Trained, rng: torch.Generator) -> None:
    """u lies in the first patch alone, w beside it in both, where what that patch makes of u counts half."""
    side = trained.prox.side
    wide = trained.whole[:, :, :side, : side * 3 // 2]
    wide = wide + trained.sigma * noise(wide, rng)
    u, w = torch.zeros_like(wide), torch.zeros_like(wide)
    u[..., side // 2 - 1], w[..., side // 2] = 1, 1
    exact, averaged = (
        NetworkProx(trained.prox.network, patching=kind, stride=side // 2) for kind in ("exact", "averaged")
    )
    assert asymmetry(exact, wide, rng) < 1e-12
    ahead = products(averaged.derivative(wide, u), w)
    torch.testing.assert_close(ahead, products(u, averaged.derivative(wide, w)) / 2, rtol=1e-9, atol=0)
    assert bool((ahead.abs() > 0.1).all())

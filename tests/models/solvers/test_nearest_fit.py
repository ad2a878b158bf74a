"""The nearest image that fits: exact, idempotent, a projection; on a grid, along spokes, with many coils."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.data.masks.gaussian_lines import gaussian_line_mask, stepped_line_mask
from proxflow.data.masks.gaussian_points import disc_gaussian_mask
from proxflow.models.methods.reconresnet_published import magnitude_part, real_part
from proxflow.models.solvers.nearest_fit import nearest_fit
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.fourier import fft2c, ifft2c
from proxflow.operators.golden_spokes import golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense

SHAPE = (48, 40)
MASKS = {
    "stepped": stepped_line_mask(SHAPE, 4),
    "lines 30": gaussian_line_mask(SHAPE, 0.3, seed=1),
    "lines 25": gaussian_line_mask(SHAPE, 0.25, seed=2),
    "points 30": disc_gaussian_mask(SHAPE, 0.3, seed=1),
    "points 10": disc_gaussian_mask(SHAPE, 0.1, seed=1),
}


def phantom(shape: tuple[int, int] = SHAPE) -> Tensor:
    """Two ellipses, real, from 0 to 1; not symmetric."""
    y, x = (np.linspace(-1, 1, n) for n in shape)
    r = lambda cy, cx, ay, ax: ((y[:, None] - cy) / ay) ** 2 + ((x - cx) / ax) ** 2  # noqa: E731
    image = 0.6 * (r(0.05, -0.02, 0.8, 0.7) < 1) + 0.4 * (r(0.2, 0.15, 0.3, 0.2) < 1)
    return torch.from_numpy(image).to(torch.complex128)


def blurred(x: Tensor, rng: torch.Generator) -> Tensor:
    """What a network may make of it: smoother, and with some noise; real."""
    k = (torch.arange(n) - n // 2 for n in x.shape)
    ky, kx = k
    smooth = ifft2c(torch.exp(-(ky[:, None] ** 2 + kx**2) / (2 * 9.0**2)) * fft2c(x)).real
    return (smooth + 0.03 * torch.randn(x.shape, generator=rng)).to(x.dtype)


def one_coil(mask: np.ndarray) -> CartesianSense:
    maps = torch.ones(1, *mask.shape, dtype=torch.complex128)
    return CartesianSense(torch.from_numpy(mask), maps)


@pytest.mark.parametrize("name", MASKS)
def test_sampled_k_space_is_kept_by_the_complex_image_and_not_by_its_parts(
    name: str, rng: torch.Generator
) -> None:
    operator, x = one_coil(MASKS[name]), phantom()
    y, guess = operator.forward(x), blurred(x, rng)
    z = nearest_fit(operator, operator.adjoint(y), guess)

    def error(image: Tensor) -> float:
        return float((operator.forward(image) - y).norm() / y.norm())

    assert error(z) < 1e-12 < 1e-3 < error(real_part(z)) < error(guess)
    assert error(real_part(z)) < error(magnitude_part(z))
    unsampled = ~torch.from_numpy(MASKS[name])
    torch.testing.assert_close(fft2c(z)[unsampled], fft2c(guess)[unsampled], rtol=0, atol=1e-12)
    # ||z - x||^2 = ||(1 - M) F (guess - x)||^2, and taking the real part comes no farther from a real x.
    left = float((fft2c(guess - x) * unsampled).norm())
    assert float((z - x).norm()) == pytest.approx(left, rel=1e-10)
    assert float((real_part(z) - x).norm()) <= left < float((guess - x).norm())


def test_the_real_part_is_exact_where_the_mask_is_its_own_mirror_image(rng: torch.Generator) -> None:
    mask = MASKS["points 30"]
    mirrored = np.roll(mask[::-1, ::-1], (1, 1), (0, 1))  # k -> -k (mod n), DC at n // 2, n even
    operator, x = one_coil(mask | mirrored), phantom()
    y = operator.forward(x)
    z = nearest_fit(operator, operator.adjoint(y), blurred(x, rng))
    assert (operator.forward(real_part(z)) - y).norm() < 1e-12 * y.norm()
    assert (mirrored & ~mask).any()  # and so it was not by itself


def test_the_part_of_samples_without_a_mirror_image_sets_the_error_of_the_real_part(
    rng: torch.Generator,
) -> None:
    """Their error is half the imaginary part's, E(k) = (Z(k) - conj Z(-k)) / 2, on the samples."""
    operator, x = one_coil(MASKS["lines 30"]), phantom()
    y = operator.forward(x)
    z = nearest_fit(operator, operator.adjoint(y), blurred(x, rng))
    mirror = fft2c(z).flip((-2, -1)).roll((1, 1), (-2, -1)).conj()
    expected = (0.5 * (fft2c(z) - mirror) * torch.from_numpy(MASKS["lines 30"])).norm()
    assert float((operator.forward(real_part(z)) - y).norm()) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("name", MASKS)
def test_it_is_idempotent_and_leaves_what_fits(name: str, rng: torch.Generator) -> None:
    operator, x = one_coil(MASKS[name]), phantom()
    b = operator.adjoint(operator.forward(x))
    z = nearest_fit(operator, b, blurred(x, rng))
    torch.testing.assert_close(nearest_fit(operator, b, z), z, rtol=0, atol=1e-14)
    torch.testing.assert_close(nearest_fit(operator, b, x), x, rtol=0, atol=1e-14)


def test_full_sampling_gives_the_image_and_single_precision_its_own_rounding(rng: torch.Generator) -> None:
    x = phantom()
    operator = one_coil(np.ones(SHAPE, dtype=bool))
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x)
    half = one_coil(MASKS["points 30"])
    y = half.forward(x).to(torch.complex64)
    z = nearest_fit(half, half.adjoint(y), blurred(x, rng).to(torch.complex64))
    assert z.dtype == torch.complex64 and (half.forward(z) - y).norm() < 1e-6 * y.norm()


def test_many_coils_come_to_the_projection(rng: torch.Generator) -> None:
    """Against the pseudo-inverse, with fewer samples than pixels."""
    maps = torch.randn(2, 10, 8, dtype=torch.complex128, generator=rng)
    maps = maps / maps.abs().square().sum(0).sqrt()
    mask = torch.rand(10, 8, generator=rng) < 0.3
    operator = CartesianSense(mask, maps)
    matrix = operator.forward(torch.eye(80, dtype=torch.complex128).view(80, 10, 8)).flatten(1).T
    x, guess = (torch.randn(10, 8, dtype=torch.complex128, generator=rng) for _ in range(2))
    y = operator.forward(x)
    z = nearest_fit(operator, operator.adjoint(y), guess, n_iter=400)
    expected = guess.flatten() + torch.linalg.pinv(matrix, rtol=1e-9) @ (
        y.flatten() - matrix @ guess.flatten()
    )
    torch.testing.assert_close(z.flatten(), expected, rtol=0, atol=1e-8)
    assert (operator.forward(z) - y).norm() < 1e-9 * y.norm()
    mu = 0.3
    near = nearest_fit(operator, operator.adjoint(y), guess, mu=mu, n_iter=400)
    system = matrix.mH @ matrix + mu * torch.eye(80, dtype=matrix.dtype)
    right = matrix.mH @ y.flatten() + mu * guess.flatten()
    torch.testing.assert_close(near.flatten(), torch.linalg.solve(system, right), rtol=0, atol=1e-9)


def test_spokes_are_fitted_where_gridding_a_full_set_does_not(rng: torch.Generator) -> None:
    n, n_spokes = 32, 8
    trajectory = golden_spokes(n_spokes, n).flatten(0, 1)
    maps = torch.ones(1, n, n, dtype=torch.complex128)
    radius = trajectory.norm(dim=-1)
    operator = NonCartesianSense(trajectory, maps, weights=radius / radius.mean())
    x = phantom((n, n))
    y, guess = operator.forward(x), blurred(x, rng)
    b = operator.adjoint(y)
    errors = []
    for n_iter in (1, 5, 25, 125):
        z = nearest_fit(operator, b, guess, n_iter=n_iter)
        errors.append(float((operator.forward(z) - y).norm() / y.norm()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 2e-4 < 0.01 < errors[0]
    assert (z - x).norm() < (guess - x).norm()
    torch.testing.assert_close(nearest_fit(operator, b, x), x, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"mu": -1.0}, "mu must be at least 0, got -1"), ({"n_iter": 0}, "n_iter must be at least 1, got 0")],
)
def test_impossible_numbers_are_refused(options: dict[str, float], words: str) -> None:
    operator = one_coil(MASKS["stepped"])
    with pytest.raises(ValueError, match=words):
        nearest_fit(operator, phantom(), phantom(), **options)  # type: ignore[arg-type]

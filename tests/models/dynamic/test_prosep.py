"""ProSep: exact where its model is, its derivatives, the axis it turns about, and its limits."""

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.knot_training import orthonormal, train_knots
from proxflow.models.dynamic.polynomial_start import polynomial_knots
from proxflow.models.dynamic.prosep import about_axis, harmonics_for, prosep, prosep_start, sparse_views
from proxflow.models.dynamic.separable_projections import (
    SeparableFit,
    SeparableProjections,
    SparseViews,
    harmonics,
)
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.operators.frame_projections import FrameProjections

N_FRAMES, N_KNOTS = 64, 5


def bit_reversed(n: int) -> np.ndarray:
    bits = n.bit_length() - 1
    return np.array([int(f"{p:0{bits}b}"[::-1], 2) for p in range(n)]) * np.pi / n


def exact_views(rng: torch.Generator, n_functions: int = 2, n_harmonics: int = 4) -> SparseViews:
    """One view a frame of sinograms that are what ProSep assumes: opposite views mirror each other."""
    basis = temporal_basis("spline", N_FRAMES, N_KNOTS)
    changing = torch.randn(N_KNOTS, n_functions - 1, generator=rng, dtype=torch.float64)
    knots = orthonormal(torch.cat([torch.ones(N_KNOTS, 1, dtype=torch.float64), changing], dim=1), basis)
    eta = torch.randn(n_functions, 2 * n_harmonics + 1, 9, generator=rng, dtype=torch.float64)
    odd = ((torch.arange(2 * n_harmonics + 1) + 1) // 2 % 2 == 1)[:, None]
    eta = torch.where(odd, eta - eta.flip(-1), eta + eta.flip(-1))
    views = SparseViews(torch.from_numpy(bit_reversed(N_FRAMES)), torch.zeros(N_FRAMES, 9), basis)
    return SparseViews(views.angles_rad, SeparableProjections(knots, eta).predict(views), basis)


def test_coefficients_are_those_of_the_complex_system_of_the_spec(rng: torch.Generator) -> None:
    """Equations 15 and 16: 2 P complex rows, the lower ones at angle - pi with the detector flipped."""
    views, n = exact_views(rng), 5
    noise = 0.1 * torch.randn(views.samples.shape, generator=rng, dtype=torch.float64)
    views = SparseViews(views.angles_rad, views.samples + noise, views.time_basis)
    knots = polynomial_knots(views.time_basis, 3)
    psi, orders = views.time_basis @ knots, torch.arange(-n, n + 1, dtype=torch.float64)
    angles = torch.cat([views.angles_rad, views.angles_rad - np.pi])
    waves = torch.exp(1j * angles[:, None] * orders)
    rows = (psi.repeat(2, 1)[:, :, None] * waves[:, None, :]).flatten(1)
    data = torch.cat([views.samples, views.samples.flip(-1)]).to(rows.dtype)
    wanted = rows @ torch.linalg.lstsq(rows, data).solution
    fit = SeparableFit(views, n, 1e-14)
    found = fit.projections(fit.at(knots)).predict(views)
    assert wanted.imag.abs().max() < 1e-10
    torch.testing.assert_close(found, wanted.real[:N_FRAMES], rtol=0, atol=1e-8)


def test_slope_is_that_of_autograd_and_its_matrix_that_of_the_residuals(rng: torch.Generator) -> None:
    views, ridge, n = exact_views(rng), 1e-3, 3
    fit, knots = SeparableFit(views, n, ridge), polynomial_knots(views.time_basis, 2)

    def residuals(z: Tensor) -> Tensor:
        psi, parts = views.time_basis @ z, []
        order = (torch.arange(2 * n + 1) + 1) // 2
        for parity, sign in ((0, 1), (1, -1)):
            here = order % 2 == parity
            phi = (psi[:, :, None] * harmonics(views.angles_rad, n)[:, None, here]).flatten(1)
            weight = order[here].double().clamp_min(0.1) * (N_FRAMES * ridge) ** 0.5
            weight = torch.cat([0.1 * weight, weight])
            data = (views.samples + sign * views.samples.flip(-1)) / 2
            rows = torch.cat([phi, torch.diag(weight)])
            right = torch.cat([data, data.new_zeros(phi.shape[1], 9)])
            parts.append((right - rows @ torch.linalg.solve(rows.T @ rows, rows.T @ right)).flatten())
        return torch.cat(parts)

    point = fit.at(knots)
    assert point.objective == pytest.approx(float(residuals(knots).square().sum()))
    gradient, matrix = fit.gradient(point), fit.curvature(point)
    jacobian = torch.func.jacfwd(residuals)(knots).flatten(1)
    torch.testing.assert_close(gradient.flatten(), jacobian.T @ residuals(knots), rtol=1e-8, atol=1e-9)
    # Kaufman leaves out the part of the Jacobian in the range of Phi: the matrix is no larger, and near
    exact, approximate = jacobian.T @ jacobian, matrix.reshape(10, 10)
    torch.testing.assert_close(approximate, approximate.T)
    assert torch.linalg.eigvalsh(exact - approximate).min() > -1e-9 * float(exact.diagonal().max())


def test_training_finds_the_functions(rng: torch.Generator) -> None:
    views = exact_views(rng)
    held = torch.arange(3, N_FRAMES, 10)
    given = torch.tensor([p for p in range(N_FRAMES) if p not in held])
    start = polynomial_knots(views.time_basis, 2)
    found = train_knots(
        SeparableFit(views.at(given), 4, 1e-10), views.at(held), start, views.time_basis, n_iter=60
    )
    assert found.errors[0] > 0.05 and found.errors[found.best] < 1e-4
    assert all(np.diff(found.objectives) < 0)
    gram = views.time_basis @ found.knots
    torch.testing.assert_close(gram.T @ gram / N_FRAMES, torch.eye(2, dtype=torch.float64))


def test_prosep_chooses_the_true_number_of_functions(rng: torch.Generator) -> None:
    views = exact_views(rng)
    noise = 0.02 * torch.randn(views.samples.shape, generator=rng, dtype=torch.float64)
    views = SparseViews(views.angles_rad, views.samples + noise, views.time_basis)
    found = prosep(views, torch.ones(N_FRAMES, 1, dtype=torch.bool), views.time_basis, n_harmonics=6)
    assert found.projections.knots.shape == (N_KNOTS, 2)
    assert found.tried[1] == min(found.tried) < 0.5 * found.tried[0]


@pytest.mark.parametrize("model", ["joseph", "bilinear"])
def test_prosep_start_is_near_a_slowly_changing_object(model: str, rng: torch.Generator) -> None:
    n, column_shift = 32, 0.0 if model == "bilinear" else 1.25
    row, column = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) - (n - 1) / 2] * 2, indexing="ij")
    still = torch.exp(-((row - 5) ** 2 + (column + 4) ** 2) / 20)
    grows = torch.exp(-((row + 3) ** 2 + (column - 5) ** 2) / 20)
    time = torch.linspace(0, 1, N_FRAMES, dtype=torch.float64)[:, None, None]
    x = still + time**2 * grows
    mask = torch.ones(N_FRAMES, 2, dtype=torch.bool)
    mask[::9, 0] = False
    angles = np.stack([bit_reversed(N_FRAMES), bit_reversed(N_FRAMES)[::-1]], axis=1)
    operator = FrameProjections(
        (n, n),
        angles,
        n,
        detector_offset_mm=column_shift,
        model=model,
        mask=mask,  # type: ignore[arg-type]
    )
    scaled = 0.05 * operator
    basis = temporal_basis("spline", N_FRAMES, N_KNOTS)
    start = prosep_start(scaled, scaled.forward(x), basis, seed=1)
    psi = basis @ start.knots
    image = torch.einsum("tk,kyx->tyx", psi, start.spatial)
    assert (image - x).norm() < 0.12 * x.norm()
    torch.testing.assert_close(psi.T @ psi, torch.eye(psi.shape[1], dtype=torch.float64))
    gram = start.spatial.flatten(1) @ start.spatial.flatten(1).T
    assert (gram - torch.diag(gram.diagonal())).abs().max() < 1e-9 * gram.max()
    assert min(start.curves["prosep_error_by_functions"][0]) < 0.1


def test_columns_about_the_axis_mirror(rng: torch.Generator) -> None:
    samples = torch.rand(3, 8, generator=rng, dtype=torch.float64)
    assert torch.equal(about_axis(samples, 3.5), samples)
    assert torch.equal(about_axis(samples, 4.0)[:, :8], samples) and about_axis(samples, 4.0).shape == (3, 9)
    assert torch.equal(about_axis(samples, 2.5)[:, 2:], samples) and not about_axis(samples, 2.5)[:, :2].any()
    line = torch.arange(8, dtype=torch.float64)[None]  # moved by a quarter, values move by a quarter
    torch.testing.assert_close(about_axis(line, 3.7)[:, :7], line[:, :7] + 0.2)
    torch.testing.assert_close(about_axis(line, 3.4)[:, 1:], line[:, 1:] - 0.1)


def test_too_many_coefficients_are_refused() -> None:
    assert harmonics_for(7, 128) == 17  # (2 N + 1) 7 <= 256
    assert (2 * 17 + 1) * 7 <= 256 < (2 * 18 + 1) * 7
    with pytest.raises(
        ValueError, match=r"n_harmonics must be in 0 .. 17, for 7 temporal functions and 128 views"
    ):
        harmonics_for(7, 128, 18)
    with pytest.raises(
        ValueError, match="n_functions must be at most twice the 2 views that fit them, got 5"
    ):
        harmonics_for(5, 2)


def test_complex_projections_are_refused() -> None:
    operator = FrameProjections((8, 8), np.zeros((4, 1)), 8)
    with pytest.raises(ValueError, match=r"y must be real for ProSep, got torch.complex128"):
        sparse_views(operator, torch.zeros(4, 1, 8, dtype=torch.complex128), temporal_basis("spline", 4, 2))

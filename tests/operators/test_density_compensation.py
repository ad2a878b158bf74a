import numpy as np
import pytest
import torch

from proxflow.operators.density_compensation import pipe_menon_density, radial_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.trajectories import radial_trajectory

N = 48


def smooth_phantom(n):
    """Two Gaussian blobs well inside the field of view: band-limited, so that only the weights matter."""
    axis = (torch.arange(n, dtype=torch.float64) - n // 2) / n
    y, x = axis[:, None], axis[None]
    blobs = torch.exp(-((y + 0.1) ** 2 + (x - 0.05) ** 2) / 0.01) * 2
    return (blobs + torch.exp(-((y - 0.12) ** 2 + (x + 0.1) ** 2) / 0.004)).to(torch.complex128)


def gridded(trajectory, weights, image):
    """A^H A with the weights: what gridding makes of the samples of the image."""
    maps = torch.ones(1, *image.shape, dtype=image.dtype)
    A = NonCartesianSense(trajectory.reshape(-1, 2), maps, weights=weights.reshape(-1))
    return A.adjoint(A.forward(image))


def relative_error(result, expected):
    return float((result - expected).norm() / expected.norm())


@pytest.mark.parametrize("angles", ["golden", "uniform", "random"])
def test_radial_gridding_returns_the_image_in_its_unit(angles):
    n_spokes = 160
    if angles == "random":
        angles = np.random.default_rng(1).uniform(-4, 9, 3 * n_spokes)
        n_spokes = len(angles)
    k = radial_trajectory(n_spokes, 2 * N, N, angles=angles)
    image = smooth_phantom(N)
    assert relative_error(gridded(k, radial_density(k), image), image) < 0.01


def test_radial_weights_sum_to_the_area():
    k = radial_trajectory(21, 2 * N, N)
    w = radial_density(k)
    assert w.dtype == torch.float64
    assert float(w[:, N].sum()) == pytest.approx(np.pi / 6 * 0.5**2)
    # Cells reach half a sample beyond the first sample and as far beyond the last, one sample earlier.
    radii = (N + 0.5) / 2, (N - 0.5) / 2
    assert float(w.sum()) == pytest.approx(np.pi * (radii[0] ** 2 + radii[1] ** 2) / 2, rel=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.13, 0.5, 0.9])
@pytest.mark.parametrize("one_sided", [True, False])
def test_radial_weights_integrate_a_gaussian(shift, one_sided):
    r = (torch.arange(40, dtype=torch.float64) + shift - (0 if one_sided else 20)) * 0.7
    a = torch.arange(31) * 2 * torch.pi / 31
    k = torch.stack([torch.outer(a.sin(), r), torch.outer(a.cos(), r)], dim=-1)
    integral = (radial_density(k) * torch.exp(-r * r / 8)).sum()
    assert float(integral) == pytest.approx(8 * np.pi, rel=2e-3)


def test_radial_weights_of_uniform_angles_are_the_ramp_in_any_order(rng):
    n_spokes = 12
    k = radial_trajectory(n_spokes, 2 * N, N, angles="uniform")
    r = k.norm(dim=-1)
    w = radial_density(k)
    ramp = r * 0.5 * torch.pi / n_spokes
    away = torch.arange(2 * N) != N
    assert torch.allclose(w[:, away], ramp[:, away])
    order = torch.randperm(n_spokes, generator=rng)
    flipped = k[order].clone()
    flipped[::2] = flipped[::2].flip(1)  # spokes travelled the other way
    expected = w[order].clone()
    expected[::2] = expected[::2].flip(1)
    assert torch.allclose(radial_density(flipped), expected)


@pytest.mark.parametrize("repeats", [2, 3])
def test_radial_weights_of_repeated_spokes_share_their_area(repeats):
    k = radial_trajectory(9, 16, 8)
    w = radial_density(k.repeat(repeats, 1, 1))
    assert torch.allclose(w.reshape(repeats, 9, 16), radial_density(k) / repeats)
    one = radial_trajectory(1, 16, 8)
    assert torch.allclose(radial_density(one.repeat(repeats, 1, 1)) * repeats, radial_density(one))


def test_radial_weights_of_spokes_from_the_centre_outwards():
    a = torch.arange(40) * 2.399963
    r = torch.arange(24, dtype=torch.float64)
    k = torch.stack([torch.outer(a.sin(), r), torch.outer(a.cos(), r)], dim=-1)
    w = radial_density(k)
    assert float(w[:, 0].sum()) == pytest.approx(np.pi / 6)
    assert float(w.sum()) == pytest.approx(np.pi * 23.5**2, rel=1e-3)


def test_pipe_menon_returns_the_image_in_its_unit(rng):
    k = radial_trajectory(120, 2 * N, N)
    image = smooth_phantom(N)
    w = pipe_menon_density(k, (N, N))
    assert w.shape == (120, 2 * N) and w.dtype == torch.float64 and float(w.min()) > 0
    assert relative_error(gridded(k, w, image), image) < 0.01
    # Not square, no pattern: unweighted gridding is off by half, weighted by a few per cent.
    scattered = (torch.rand(30_000, 2, generator=rng, dtype=torch.float64) - 0.5) * torch.tensor([N, N - 8])
    narrow = image[:, 4:-4]
    w = pipe_menon_density(scattered, (N, N - 8))
    assert relative_error(gridded(scattered, w, narrow), narrow) < 0.05
    assert relative_error(gridded(scattered, torch.full_like(w, float(w.mean())), narrow), narrow) > 0.08


def test_pipe_menon_weights_of_the_cartesian_grid_are_one_inside():
    axis = torch.arange(-16, 16, dtype=torch.float64)
    k = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1)
    w = pipe_menon_density(k, (32, 32))
    assert torch.allclose(w[8:24, 8:24], torch.ones(16, 16, dtype=torch.float64), atol=0.02)


def test_pipe_menon_approaches_its_fixed_point():
    k = radial_trajectory(40, 32, 16)
    w = {n: pipe_menon_density(k, (16, 16), n) for n in (1, 2, 10, 11, 60, 61)}
    first, tenth, last = (float((w[n + 1] / w[n]).log().abs().mean()) for n in (1, 10, 60))
    assert last < 0.5 * tenth < 0.25 * first


BENT = torch.stack([torch.linspace(-4, 4, 9).square(), torch.linspace(-4, 4, 9)], dim=-1)[None].double()


@pytest.mark.parametrize(
    ("trajectory", "message"),
    [
        (torch.zeros(5, 2), r"trajectory must have shape \(spoke, readout, 2\), got \(5, 2\)"),
        (torch.full((2, 4, 2), torch.nan), "trajectory must be finite, got 16 that are not"),
        (torch.zeros(2, 4, 2), "trajectory must hold straight spokes through the centre"),
        (
            radial_trajectory(3, 16, 8)[:, 5:],
            "spokes must start at the centre of k-space or reach equally far to both sides, got one",
        ),
        (BENT, "trajectory must hold straight spokes through the centre"),
    ],
)
def test_what_is_not_radial_is_refused(trajectory, message):
    with pytest.raises(ValueError, match=message):
        radial_density(trajectory)


def test_bad_arguments_of_pipe_menon_are_refused():
    k = radial_trajectory(3, 8, 4)
    with pytest.raises(ValueError, match="n_iter must be at least 1, got 0"):
        pipe_menon_density(k, (4, 4), n_iter=0)
    with pytest.raises(ValueError, match="trajectory must lie within ±1 cycles per field of view in kx, got"):
        pipe_menon_density(torch.tensor([[0.0, 3.0]]), (4, 2))

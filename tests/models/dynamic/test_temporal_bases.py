import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.interpolate import CubicHermiteSpline

from proxflow.models.dynamic.temporal_bases import BasisKind, temporal_basis

INTERPOLATING: list[BasisKind] = ["spline", "linear"]


@pytest.mark.parametrize("kind", INTERPOLATING)
@pytest.mark.parametrize(("n_frames", "n_knots"), [(32, 9), (17, 5), (11, 11), (8, 2), (6, 1), (2, 2)])
def test_rows_sum_to_one(kind: BasisKind, n_frames: int, n_knots: int) -> None:
    basis = temporal_basis(kind, n_frames, n_knots)
    assert basis.shape == (n_frames, n_knots)
    torch.testing.assert_close(basis.sum(1), torch.ones(n_frames, dtype=torch.float64), rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", INTERPOLATING)
def test_interpolates_at_knots(kind: BasisKind) -> None:
    knots = temporal_basis(kind, 33, 9)[::4]  # every fourth frame lies on a knot
    assert torch.equal(knots, torch.eye(9, dtype=torch.float64))


@pytest.mark.parametrize("kind", INTERPOLATING)
@pytest.mark.parametrize(("n_frames", "n_knots"), [(32, 9), (17, 5), (8, 2), (7, 4)])
def test_reproduces_linear_functions(kind: BasisKind, n_frames: int, n_knots: int) -> None:
    line = temporal_basis(kind, n_frames, n_knots) @ torch.linspace(-2, 3, n_knots, dtype=torch.float64)
    torch.testing.assert_close(line, torch.linspace(-2, 3, n_frames, dtype=torch.float64), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", [*INTERPOLATING, "free"])
@pytest.mark.parametrize("n", [1, 2, 3, 13])
def test_a_knot_per_frame_is_the_identity(kind: BasisKind, n: int) -> None:
    assert torch.equal(temporal_basis(kind, n, n), torch.eye(n, dtype=torch.float64))


def test_spline_is_the_cubic_hermite_of_scipy() -> None:
    knots, frames = np.linspace(0, 1, 6), np.linspace(0, 1, 23)
    values = np.random.default_rng(5).standard_normal(6)
    tangents = np.gradient(values, knots[1])  # one-sided at the ends, central between
    expected = CubicHermiteSpline(knots, values, tangents)(frames)
    found = temporal_basis("spline", 23, 6) @ torch.from_numpy(values)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_dct_is_orthonormal_and_that_of_scipy() -> None:
    basis = temporal_basis("dct", 12, 5)
    expected = dct(np.eye(12), type=2, norm="ortho", axis=0)[:5].T
    np.testing.assert_allclose(basis, expected, atol=1e-15)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-15)


@pytest.mark.parametrize("n_knots", [0, 9])
def test_refuses_more_knots_than_frames(n_knots: int) -> None:
    with pytest.raises(ValueError, match=rf"n_knots must be in 1 .. 8, the number of frames, got {n_knots}"):
        temporal_basis("spline", 8, n_knots)

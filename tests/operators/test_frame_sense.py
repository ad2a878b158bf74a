"""MRI of frames: adjoints, agreement with the operators of single images, masks and pieces of a series."""

from __future__ import annotations

import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_sense import FrameSenseCartesian, FrameSenseRadial
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.operator_norm import largest_frame_norm, operator_norm
from proxflow.operators.trajectories import radial_trajectory

SHAPES = [(12, 16), (13, 10), (9, 15)]
N_FRAMES, N_COILS, N_SPOKES = 4, 3, 3


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.complex128) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def maps(shape: tuple[int, int], dtype: torch.dtype = torch.complex128) -> torch.Tensor:
    found = noise(N_COILS, *shape, seed=1, dtype=dtype)
    found /= torch.linalg.vector_norm(found, dim=0)
    found[:, 0] = 0  # a row outside the object
    return found


def cartesian(shape: tuple[int, int], dtype: torch.dtype = torch.complex128) -> FrameSenseCartesian:
    mask = torch.rand((N_FRAMES, *shape), generator=torch.Generator().manual_seed(2)) < 0.4
    mask[1] = False  # a frame without views
    return FrameSenseCartesian(mask, maps(shape, dtype))


def radial(shape: tuple[int, int], dtype: torch.dtype = torch.complex128) -> FrameSenseRadial:
    n = min(shape)
    trajectory = radial_trajectory(N_FRAMES * N_SPOKES, 2 * n, n).reshape(N_FRAMES, N_SPOKES, 2 * n, 2)
    mask = torch.ones(N_FRAMES, N_SPOKES, dtype=torch.bool)
    mask[1], mask[2, 0] = False, False
    return FrameSenseRadial(trajectory, maps(shape, dtype), mask)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", [cartesian, radial])
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64])
def test_adjoint(make, shape, dtype) -> None:  # type: ignore[no-untyped-def]
    operator = make(shape, dtype)
    assert_adjoint(operator, torch.Generator().manual_seed(3), dtype=dtype)
    assert_adjoint(0.3 * operator, torch.Generator().manual_seed(4), dtype=dtype, batch=(2,))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cartesian_frame_is_cartesian_sense(shape: tuple[int, int]) -> None:
    operator, x = cartesian(shape), noise(N_FRAMES, *shape)
    y = operator.forward(x)
    for frame in range(N_FRAMES):
        one = CartesianSense(operator.mask[frame], operator.coil_maps)
        torch.testing.assert_close(y[frame], one.forward(x[frame]))
        torch.testing.assert_close(operator.normal(x)[frame], one.normal(x[frame]))
        torch.testing.assert_close(operator.adjoint(y)[frame], one.adjoint(y[frame]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.complex128, 1e-10), (torch.complex64, 1e-4)])
def test_a_radial_frame_is_non_cartesian_sense(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    operator, x = radial(shape, dtype), noise(N_FRAMES, *shape, dtype=dtype)
    y = operator.forward(x)
    back, normal = operator.adjoint(y), operator.normal(x)
    for frame in (0, 2, 3):
        kept = operator.mask[frame]
        points = operator.trajectory[frame, kept].flatten(0, 1)
        one = NonCartesianSense(points, operator.coil_maps)
        near = {"atol": tolerance * float(y.abs().max()) * 10, "rtol": 0.0}
        torch.testing.assert_close(y[frame][:, kept].flatten(1), one.forward(x[frame]), **near)
        torch.testing.assert_close(back[frame], one.adjoint(one.forward(x[frame])), **near)
        torch.testing.assert_close(normal[frame], one.normal(x[frame]), **near)
    assert not y[1].any() and not y[2, :, 0].any() and not back[1].any()


@pytest.mark.parametrize("make", [cartesian, radial])
def test_frames_in_pieces(make) -> None:  # type: ignore[no-untyped-def]
    operator, x = 0.5 * make((12, 10)), noise(N_FRAMES, 12, 10)
    assert isinstance(operator, FrameOperator)
    y, normal = operator.forward(x), operator.normal(x)
    for frames in (slice(0, 1), slice(1, 4)):
        torch.testing.assert_close(operator.forward_of(x[frames], frames), y[frames])
        torch.testing.assert_close(operator.adjoint_of(y[frames], frames), operator.adjoint(y)[frames])
        torch.testing.assert_close(operator.normal_of(x[frames], frames), normal[frames])


@pytest.mark.parametrize("make", [cartesian, radial])
def test_another_mask(make) -> None:  # type: ignore[no-untyped-def]
    operator, x = make((12, 10)), noise(N_FRAMES, 12, 10)
    everything = operator.with_mask(torch.ones_like(operator.mask))
    y = everything.forward(x)
    torch.testing.assert_close(operator.masked(y), operator.forward(x))
    assert y[1].abs().max() > 0 and not operator.forward(x)[1].any()


@pytest.mark.parametrize("make", [cartesian, radial])
def test_gradient_is_the_adjoint(make) -> None:  # type: ignore[no-untyped-def]
    operator, x = make((8, 9)), noise(N_FRAMES, 8, 9).requires_grad_()
    y = noise(*operator.range_shape, seed=5)
    (operator.forward(x).conj() * y).sum().real.backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, operator.adjoint(y))


def test_the_norm_is_that_of_the_largest_frame() -> None:
    operator = cartesian((12, 10))
    singles = [CartesianSense(mask, operator.coil_maps) for mask in operator.mask]
    largest = max(operator_norm(one, n_iter=300, tol=1e-9, dtype=torch.complex128) for one in singles)
    found = largest_frame_norm(operator, n_iter=300, tol=1e-9, dtype=torch.complex128)
    assert found == pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize("make", [cartesian, radial])
def test_support(make) -> None:  # type: ignore[no-untyped-def]
    support = make((12, 10)).support
    assert support.shape == (N_FRAMES, 12, 10)
    assert not support[:, 0].any() and support[:, 1:].all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="mask must have shape"):
        FrameSenseCartesian(torch.ones(2, 4, 5, dtype=torch.bool), maps((5, 4)))
    with pytest.raises(ValueError, match="trajectory must have shape"):
        FrameSenseRadial(torch.zeros(3, 4, 2), maps((5, 4)))
    with pytest.raises(ValueError, match=r"mask must have shape \(2, 3\)"):
        FrameSenseRadial(torch.zeros(2, 3, 4, 2), maps((5, 4)), torch.ones(3, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="must lie within"):
        FrameSenseRadial(torch.full((2, 3, 4, 2), 9.0), maps((5, 4)))

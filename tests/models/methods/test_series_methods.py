"""The baselines for series: closed forms, optimality, the single-frame methods they stand for, resumption."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.fbp import fbp_image
from proxflow.models.methods.framewise_cg_sense import framewise_cg_sense
from proxflow.models.methods.framewise_fbp import framewise_fbp
from proxflow.models.methods.framewise_tv import framewise_tv
from proxflow.models.methods.low_rank_sparse import low_rank_sparse, over_time
from proxflow.models.methods.per_frame import FramesAsBatch
from proxflow.models.methods.static import AtRest, static
from proxflow.models.methods.tv import tv
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.parallel_beam import ParallelBeam

N_FRAMES, SHAPE, N_VIEWS, N_SAMPLES = 6, (7, 5), 8, 4


class DenseSeries(FrameOperator):
    """A matrix per frame; a view is ``N_SAMPLES`` rows of it."""

    def __init__(self, matrices: Tensor, mask: Tensor) -> None:
        super().__init__(mask, SHAPE, (N_VIEWS, N_SAMPLES))
        self.register_buffer("matrices", matrices)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[..., None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames] @ x.flatten(1)[..., None])[..., 0].unflatten(-1, self.frame_range)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames].mH @ y.flatten(1)[..., None])[..., 0].unflatten(-1, SHAPE)


def dense_series(rng: torch.Generator, dtype: torch.dtype, share: float = 0.5) -> DenseSeries:
    """Frames of norm at most 1 that see part of the views; the third frame none."""
    matrices = torch.randn(N_FRAMES, N_VIEWS * N_SAMPLES, 35, dtype=dtype, generator=rng)
    mask = torch.rand(N_FRAMES, N_VIEWS, generator=rng) < share
    mask[2] = False
    return DenseSeries(matrices / torch.linalg.matrix_norm(matrices, 2).max(), mask)


def moving_object(dtype: torch.dtype) -> Tensor:
    x = torch.ones(N_FRAMES, *SHAPE, dtype=dtype)
    for frame in range(N_FRAMES):
        x[frame, 1:4, frame % 4 : frame % 4 + 2] = 3 if not dtype.is_complex else 3j
    return x


def posed(rng: torch.Generator, dtype: torch.dtype) -> tuple[DenseSeries, Tensor]:
    operator = dense_series(rng, dtype)
    y = operator.forward(moving_object(dtype))
    y = operator.masked(y + 0.02 * torch.randn(y.shape, dtype=dtype, generator=rng))
    return operator, y / operator.adjoint(y).abs().max()


def projections(rng: torch.Generator) -> tuple[FrameProjections, Tensor]:
    """Three views a frame of the moving object, enlarged; one frame has lost its views, another one view."""
    x = moving_object(torch.float64).repeat_interleave(3, -1).repeat_interleave(3, -2)
    angles = torch.rand(N_FRAMES, 3, generator=rng, dtype=torch.float64).numpy() * np.pi
    mask = torch.ones(N_FRAMES, 3, dtype=torch.bool)
    mask[1], mask[4, 2] = False, False
    operator = FrameProjections((21, 15), angles, 27, pixel_size_mm=0.5, detector_offset_mm=0.25, mask=mask)
    return operator, operator.forward(x)


METHODS: dict[str, Any] = {
    "static": partial(static, lam=0.01),
    "static_tikhonov": partial(static, lam=0.01, penalty="tikhonov"),
    "framewise_tv": partial(framewise_tv, lam=0.01),
    "framewise_cg_sense": partial(framewise_cg_sense, lam=0.01),
    "low_rank_sparse": partial(low_rank_sparse, lam=0.05, balance=0.8),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
every_dtype = pytest.mark.parametrize("dtype", [torch.float64, torch.complex64])


@every_method
@every_dtype
def test_resumed_run_is_bit_identical(method: Any, dtype: torch.dtype, rng: torch.Generator) -> None:
    operator, y = posed(rng, dtype)
    undisturbed = method(operator, y, n_iter=12, tol=0)
    saved: list[tuple[Tensor, ...]] = []
    part = method(operator, y, n_iter=5, tol=0, monitor=lambda _, state: saved.append(state))
    trace = [report._replace(n_iter=12) for report in part.trace]
    resumed = method(operator, y, n_iter=12, tol=0, resume=Checkpoint(5, saved[-1], trace))
    assert torch.equal(resumed.image, undisturbed.image) and resumed.trace == undisturbed.trace
    assert resumed.image.shape == operator.domain_shape and resumed.image.dtype == dtype


@every_method
def test_reports_are_true(method: Any, rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.complex128)
    result = method(operator, y, n_iter=30, tol=0)
    residual = float((operator.forward(result.image) - y).norm() / y.norm())
    assert result.trace[-1].data_residual == pytest.approx(residual, rel=1e-9)
    assert result.trace[-1].objective < result.trace[0].objective


@pytest.mark.parametrize("name", ["static", "framewise_tv", "low_rank_sparse"])
def test_divergence_keeps_a_series(name: str, rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.float64)
    operator = 40 * operator  # far above the norm that the methods are promised
    with pytest.raises(DivergenceError) as caught:
        METHODS[name](operator, y, n_iter=50, tol=0)
    assert caught.value.last_good.shape == operator.domain_shape


def test_at_rest_is_an_operator_of_norm_at_most_one(rng: torch.Generator) -> None:
    operator = AtRest(dense_series(rng, torch.complex128))
    assert_adjoint(operator, rng)
    x = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=rng)
    torch.testing.assert_close(operator.normal(x), operator.adjoint(operator.forward(x)))
    units = torch.eye(35, dtype=torch.complex128).reshape(35, *SHAPE)
    assert torch.linalg.matrix_norm(operator.forward(units).flatten(1), 2) < 1


@pytest.mark.parametrize("penalty", ["tv", "tikhonov"])
def test_static_of_a_determined_system_is_the_object(penalty: Any, rng: torch.Generator) -> None:
    operator = dense_series(rng, torch.complex128, share=0.7)  # some frames alone are not determined
    x = moving_object(torch.complex128)[0]
    y = operator.forward(x.expand(N_FRAMES, *SHAPE))
    image = static(operator, y, n_iter=600, lam=0.0, penalty=penalty, tol=1e-14).image
    torch.testing.assert_close(image, x.expand(N_FRAMES, *SHAPE), rtol=1e-6, atol=1e-6)


def test_static_is_tikhonov_of_the_stacked_frames(rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.float64)
    rows = (operator.matrices.unflatten(1, operator.frame_range) * operator.mask[..., None, None]).reshape(
        -1, 35
    )
    rows = rows / N_FRAMES**0.5
    peak = (rows.T @ y.flatten()).abs().max()
    wanted = torch.linalg.solve(
        rows.T @ rows + 0.02 * torch.eye(35, dtype=rows.dtype), rows.T @ y.flatten() / peak
    )
    image = static(operator, y, n_iter=300, lam=0.02, penalty="tikhonov", tol=1e-14).image
    wanted = (wanted * peak / N_FRAMES**0.5).reshape(SHAPE).expand(N_FRAMES, *SHAPE)
    torch.testing.assert_close(image, wanted, rtol=1e-9, atol=1e-9)


def test_static_refuses_a_constraint_that_its_solver_lacks(rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.float64)
    assert (static(operator, y, nonnegative=True).image >= 0).all()
    with pytest.raises(ValueError, match="nonnegative must be false unless penalty is tv"):
        static(operator, y, penalty="tikhonov", nonnegative=True)


@pytest.mark.parametrize("name", ["tv", "cg_sense"])
def test_framewise_is_the_method_of_each_frame(name: str, rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.complex128)
    series, single = {"tv": (framewise_tv, tv), "cg_sense": (framewise_cg_sense, cg_sense)}[name]
    image = series(operator, y, n_iter=25, lam=0.01, tol=0).image
    for frame in range(N_FRAMES):
        rows = operator.matrices[frame] * operator.mask[frame].repeat_interleave(N_SAMPLES)[:, None]
        alone = MatrixOperator(rows, SHAPE, (N_VIEWS * N_SAMPLES,))
        wanted = single(alone, y[frame].flatten(), n_iter=25, lam=0.01, tol=0).image
        torch.testing.assert_close(image[frame], wanted)
    assert not image[2].any()  # no views


def test_frames_as_batch_keeps_the_adjoint(rng: torch.Generator) -> None:
    operator = dense_series(rng, torch.complex128)
    frames = FramesAsBatch(operator)
    x = torch.randn(N_FRAMES, *SHAPE, dtype=torch.complex128, generator=rng)
    assert torch.equal(frames.forward(x), operator.forward(x)) and frames.domain_shape == SHAPE
    torch.testing.assert_close(frames.normal(x), operator.adjoint(operator.forward(x)))


def test_framewise_fbp_is_fbp_of_each_frames_views(rng: torch.Generator) -> None:
    operator, y = projections(rng)
    result = framewise_fbp(0.01 * operator, 0.01 * y)
    assert not result.image[1].any() and len(result.trace) == 1
    for frame, n_views in ((0, 3), (4, 2)):
        beam = ParallelBeam(
            (21, 15), operator.angles_rad[frame, :n_views], 27, pixel_size_mm=0.5, detector_offset_mm=0.25
        )
        torch.testing.assert_close(result.image[frame], fbp_image(beam, y[frame, :n_views]))


@pytest.mark.parametrize("model", ["joseph", "bilinear"])
def test_framewise_fbp_of_many_views_is_the_object(model: Any) -> None:
    """The axis of either model is where it belongs: half a pixel aside would be seen."""
    n = 32
    row, column = np.mgrid[:n, :n] - (n - 1) / 2
    x = torch.from_numpy(np.exp(-((row - 4) ** 2 + (column + 3) ** 2) / 18))[None]
    operator = FrameProjections((n, n), np.linspace(0, np.pi, 90, endpoint=False)[None], n, model=model)
    image = framewise_fbp(operator, operator.forward(x)).image
    assert (image - x).norm() < 0.05 * x.norm()


def test_framewise_fbp_needs_angles(rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.float64)
    with pytest.raises(TypeError, match="operator must be FrameProjections, got DenseSeries"):
        framewise_fbp(operator, y)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_low_rank_sparse_meets_its_optimality_conditions(dtype: torch.dtype, rng: torch.Generator) -> None:
    """G = A^H (y - A (L + S)) lies in a times the subgradient of ||L||_*, and of b ||F S||_1."""
    operator, y = posed(rng, dtype)
    saved: list[tuple[Tensor, ...]] = []
    low_rank_sparse(
        operator,
        y,
        n_iter=600,
        lam=0.2,
        balance=0.8,
        tol=0,
        monitor=lambda _, state: saved.append(state),
    )
    slow, moving = saved[-1][0]
    start = operator.adjoint(y)
    a = 0.2 * torch.linalg.matrix_norm(start.flatten(1), 2)
    b = 0.2 * 0.8 * over_time(start).abs().max()
    gradient = operator.adjoint(y - operator.forward(slow + moving))
    assert slow.any() and moving.any()
    assert torch.linalg.matrix_norm(gradient.flatten(1), 2) <= a * (1 + 1e-6)
    nuclear = torch.linalg.matrix_norm(slow.flatten(1), "nuc")
    assert torch.vdot(gradient.flatten(), slow.flatten()).real == pytest.approx(float(a * nuclear), rel=1e-6)
    spectrum, slope = over_time(moving), over_time(gradient)
    assert slope.abs().max() <= b * (1 + 1e-6)
    inner = torch.vdot(slope.flatten(), spectrum.flatten()).real
    assert inner == pytest.approx(float(b * spectrum.abs().sum()), rel=1e-6)


def test_low_rank_sparse_with_full_weights_is_zero(rng: torch.Generator) -> None:
    operator, y = posed(rng, torch.complex128)
    assert not low_rank_sparse(operator, y, lam=1.001, n_iter=20).image.any()
    with pytest.raises(ValueError, match="balance must be at least 0, got -1"):
        low_rank_sparse(operator, y, balance=-1)

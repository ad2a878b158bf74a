"""A disc that moves, seen by two views a frame, and a network of few channels."""

import math

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.methods.scaling import data_scale
from proxflow.models.methods.td_dip import TdDipTraining, td_dip
from proxflow.models.networks.td_dip import TdDipNetwork, helix
from proxflow.models.solvers.iteration import Checkpoint, Iteration, ResumeError
from proxflow.operators.frame_projections import FrameProjections

FRAMES, SHAPE = 8, (20, 17)
FEW = {"n_channels": 8, "block_steps": 15, "n_iter": 4, "min_iter": 4}


def moving_disc() -> Tensor:
    row, column = torch.meshgrid(*(torch.arange(n) - n // 2 for n in SHAPE), indexing="ij")
    at = torch.linspace(-4, 4, FRAMES)[:, None, None]
    return ((row - at) ** 2 + column**2 < 20).float()


def problem(dtype: torch.dtype = torch.float32) -> tuple[FrameProjections, Tensor]:
    angles = 2.4 * torch.arange(2.0 * FRAMES).reshape(FRAMES, 2)
    mask = torch.ones(FRAMES, 2, dtype=torch.bool)
    mask[3] = False
    A = FrameProjections(SHAPE, angles, 23, mask=mask) * 0.15
    y = A.forward(moving_disc().to(dtype) * (1 + 0.5j if dtype.is_complex else 1))
    return A, y / data_scale(A, y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_it_fits_the_data_better_with_every_step(dtype: torch.dtype) -> None:
    A, y = problem(dtype)
    found = td_dip(A, y, **FEW | {"block_steps": 40}, frames_per_step=2)
    residuals = [report.data_residual for report in found.trace]
    assert found.image.shape == (FRAMES, *SHAPE) and found.image.dtype == dtype
    assert residuals[-1] < 0.5 and residuals[-1] < residuals[0]
    assert all(report.figures[0][0] == "held_out_residual" for report in found.trace)


def test_gradients_in_bfloat16_lead_the_same_way() -> None:
    A, y = problem()
    views = split_views(A.mask, 0.0, 0)
    network, path = TdDipNetwork(SHAPE, 1, 16), helix(FRAMES, 0).float()
    exact, mixed = (TdDipTraining(A, y, views, network, path, 1, 1e-3, 1, mixed) for mixed in (False, True))
    weights = exact.start(0).weights
    expected, found = (training.gradient(weights, [2]) for training in (exact, mixed))
    cosine = torch.nn.functional.cosine_similarity(expected, found, dim=0)
    assert found.dtype == torch.float32 and 0.9 < float(cosine) < 1 - 1e-7
    assert torch.equal(exact.frame(weights, path[0]), mixed.frame(weights, path[0]))


def test_the_series_that_predicts_held_out_views_best_is_delivered() -> None:
    A, y = problem()
    states: list[tuple[Tensor, ...]] = []
    found = td_dip(A, y, **FEW, held_out_fraction=0.2, monitor=lambda report, state: states.append(state))
    held = [dict(report.figures)["held_out_residual"] for report in found.trace]
    best = states[held.index(min(held))]
    assert torch.equal(found.image, best.image)  # type: ignore[attr-defined]
    views = split_views(A.mask, 0.2, 0).held
    y_held = A.with_mask(views).masked(y)
    error = (A.with_mask(views).forward(found.image) - y_held).norm() / y_held.norm()
    assert float(error) == pytest.approx(min(held), rel=1e-5)


def test_patience_ends_it() -> None:
    A, y = problem()
    found = td_dip(A, y, **FEW | {"n_iter": 30, "min_iter": 0, "block_steps": 2}, rate=1.0, patience=2)
    held = [dict(report.figures)["held_out_residual"] for report in found.trace]
    assert len(held) == held.index(min(held)) + 3 < 30


def test_resumed_it_is_the_same_run() -> None:
    A, y = problem()
    kept: list[Checkpoint] = []

    def keep(report: Iteration, state: tuple[Tensor, ...]) -> None:
        before = [] if not kept else kept[-1].trace
        kept.append(Checkpoint(report.index, tuple(part.clone() for part in state), [*before, report]))

    whole = td_dip(A, y, **FEW, held_out_fraction=0.2, monitor=keep)
    again = td_dip(A, y, **FEW, held_out_fraction=0.2, resume=kept[1])
    assert torch.equal(whole.image, again.image) and whole.trace == again.trace
    other = td_dip(A, y, **FEW, held_out_fraction=0.2, seed=1)
    assert not torch.equal(whole.image, other.image)
    with pytest.raises(ResumeError):
        td_dip(A, y, **FEW | {"n_channels": 9}, resume=kept[1])


def test_gradient_is_that_of_the_mean_square_of_the_frames_given(rng: torch.Generator) -> None:
    A, y = problem(torch.float64)
    views = split_views(A.mask, 0.2, 0)
    network = TdDipNetwork(SHAPE, 1, n_channels=3)
    path = helix(FRAMES, 0.5)
    training = TdDipTraining(A, y, views, network, path, 1, 1e-3, 2)
    weights = network.initial(rng, torch.float64)

    def loss(weights: Tensor) -> float:
        total = 0.0
        for t in (1, 6):
            misfit = A.frame_beam(t).forward(network.frame(weights, path[t])[0]) * A.gain - y[t]
            total += float(misfit[views.given[t]].square().mean()) / 2
        return total

    direction = torch.randn(len(weights), dtype=torch.float64, generator=rng)
    direction, h = direction / direction.norm(), 1e-5
    slope = (loss(weights + h * direction) - loss(weights - h * direction)) / (2 * h)
    assert float(training.gradient(weights, [1, 6]) @ direction) == pytest.approx(slope, rel=1e-4)


def test_without_held_out_views_it_ends_after_n_iter() -> None:
    A, y = problem()
    found = td_dip(A, y, **FEW | {"block_steps": 1, "min_iter": 0}, held_out_fraction=0, patience=1)
    assert len(found.trace) == 4 and not any(report.figures for report in found.trace)
    given = A.forward(found.image) - y
    count = int(A.mask.sum()) * 23
    assert found.trace[-1].objective == pytest.approx(float(given.square().sum()) / count, rel=1e-4)
    assert found.trace[-1].data_residual == pytest.approx(float(given.norm() / y.norm()), rel=1e-4)


def test_arguments_that_do_not_fit_are_refused() -> None:
    A, y = problem()
    with pytest.raises(ValueError, match=r"y must have the shape \(8, 2, 23\)"):
        td_dip(A, y[:4])
    with pytest.raises(ValueError, match="block_steps must be at least 1, got 0"):
        td_dip(A, y, block_steps=0)
    with pytest.raises(ValueError, match="rate must be positive, got nan"):
        td_dip(A, y, rate=math.nan)
    with pytest.raises(ValueError, match="mask must hold a view, got none"):
        td_dip(A.with_mask(torch.zeros_like(A.mask)), y)

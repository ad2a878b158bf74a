"""The number of functions, by views that were held out."""

import math
from collections.abc import Callable

import pytest
import torch

from proxflow.models.dynamic.rank_choice import choose_rank, knots_to_try
from proxflow.models.methods.psm import psm
from proxflow.models.methods.scaling import data_scale
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.operator_norm import largest_frame_norm

FRAMES, SHAPE = 32, (20, 20)


def from_list(errors: list[float]) -> Callable[[int], float]:
    return lambda rank: errors[rank - 1]


def test_the_fewest_within_a_hundredth_are_taken() -> None:
    choice = choose_rank(range(1, 6), from_list([0.5, 0.1008, 0.1, 0.2, 0.3]))
    assert (choice.n_functions, choice.tried) == (2, [1, 2, 3, 4, 5])
    assert choice.curves["functions_tried"] == [[1, 2, 3, 4, 5], [0.5, 0.1008, 0.1, 0.2, 0.3]]


def test_no_more_are_tried_after_two_that_brought_nothing() -> None:
    assert choose_rank(range(1, 9), from_list([0.3, 0.2, 0.25, 0.24, math.nan])).tried == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("basis", "n_frames", "n_functions", "expected"),
    [
        ("spline", 64, None, [9, 16]),
        ("spline", 12, None, [9]),
        ("spline", 4, 3, [4]),
        ("dct", 64, 10, [16]),
        ("spline", 64, 20, [20]),
        ("free", 64, None, [9]),
    ],
)
def test_knots_are_tried_as_far_as_there_are_frames(basis, n_frames, n_functions, expected) -> None:
    assert knots_to_try(basis, n_frames, None, n_functions) == expected
    assert knots_to_try(basis, n_frames, 7, n_functions) == [7]


@pytest.mark.parametrize(("cycles", "knots"), [(0.5, 9), (5, 16)])
def test_fast_changes_take_more_knots(cycles: float, knots: int) -> None:
    """A disc whose brightness goes up and down: nine knots hold no five cycles."""
    row, column = torch.meshgrid(*(torch.arange(n) - n // 2 for n in SHAPE), indexing="ij")
    still, beating = (((row - a) ** 2 + column**2 < 9).float() for a in (-4, 4))
    t = torch.linspace(0, 1, FRAMES)[:, None, None]
    frames = still + (1 + torch.cos(2 * torch.pi * cycles * t)) * beating
    A = FrameProjections(SHAPE, 2.4 * torch.arange(4.0 * FRAMES).reshape(FRAMES, 4), 25)
    A = (1 / largest_frame_norm(A, dtype=torch.float32)) * A
    y = A.forward(frames)
    y = y + 0.01 * y.max() * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    found = psm(A, y / data_scale(A, y), n_functions=2, n_iter=2, refit=False)
    tried, errors = found.curves["knots_tried"]
    assert tried == [9, 16]
    assert (errors[1] < 0.8 * errors[0]) == (knots == 16)


@pytest.mark.parametrize("fraction", [0.1, 0.0])
def test_the_model_finds_its_rank_in_projections(fraction: float) -> None:
    """Two discs of which one fades: two functions of time. No view need be held out of the solver."""
    row, column = torch.meshgrid(*(torch.arange(n) - n // 2 for n in SHAPE), indexing="ij")
    first, second = (((row - a) ** 2 + column**2 < 9).float() for a in (-4, 4))
    t = torch.linspace(0, 1, FRAMES)[:, None, None]
    frames = first + (1 - 0.8 * t) * second
    angles = 2.4 * torch.arange(4.0 * FRAMES).reshape(FRAMES, 4)
    A = FrameProjections(SHAPE, angles, 25)
    y = A.forward(frames)
    y = y + 0.01 * y.max() * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    A = (1 / largest_frame_norm(A, dtype=torch.float32)) * A
    found = psm(A, y / data_scale(A, y), n_knots=5, n_iter=2, held_out_fraction=fraction, refit=False)
    ranks, errors = found.curves["functions_tried"]
    assert len(found.curves["temporal_functions"]) == 2
    assert errors[1] < 0.8 * errors[0] and len(ranks) == len(errors)

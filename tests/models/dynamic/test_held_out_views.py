import pytest
import torch

from proxflow.models.dynamic.held_out_views import held_out_residual, split_views


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_a_split_keeps_every_view_once_and_spreads_those_held_over_time(
    fraction: float, rng: torch.Generator
) -> None:
    mask = torch.rand(64, 3, 2, generator=rng) > 0.3
    given, held = split_views(mask, fraction, 3)
    assert torch.equal(given | held, mask) and not (given & held).any()
    assert int(held.sum()) == round(fraction * int(mask.sum()))
    gaps = held[mask].nonzero()[:, 0].diff()  # in the order of time
    assert gaps.max() <= 2 / fraction + 2


def test_a_split_is_that_of_its_seed() -> None:
    mask = torch.ones(128, 1, dtype=torch.bool)
    assert torch.equal(split_views(mask, 0.05, 1).held, split_views(mask, 0.05, 1).held)
    assert not torch.equal(split_views(mask, 0.05, 1).held, split_views(mask, 0.05, 2).held)
    assert not split_views(mask, 0, 1).held.any()


def test_something_is_always_left() -> None:
    mask = torch.tensor([[True], [True], [False]])
    given, held = split_views(mask, 0.01, 0)
    assert int(given.sum()) == int(held.sum()) == 1
    with pytest.raises(ValueError, match="views must be at least 2 to hold one out, got 1"):
        split_views(torch.tensor([[True], [False]]), 0.1, 0)
    with pytest.raises(ValueError, match=r"held_out_fraction must be between 0 and 0\.5, got 0\.6"):
        split_views(mask, 0.6, 0)


def test_the_residual_is_that_of_the_views_held_out(frames, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    operator = frames(complex_valued=True)
    series = torch.randn(operator.domain_shape, dtype=torch.complex128, generator=rng)
    y = torch.randn(operator.range_shape, dtype=torch.complex128, generator=rng)
    y = operator.masked(y)
    held = split_views(operator.mask, 0.2, 0).held
    found = held_out_residual(operator, y, held, series)
    difference = (operator.forward(series) - y)[held]
    assert found == pytest.approx(float(difference.norm() / y[held].norm()), rel=1e-12)
    assert held_out_residual(operator, y, held, operator.adjoint(y) * 0) == pytest.approx(1)

"""The eight ways a square lies."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.denoisers.turns import N_TURNS, turned_back, turned_by


@pytest.mark.parametrize("turn", range(2 * N_TURNS))
def test_turning_back_is_inverse_and_transpose(turn: int, rng: torch.Generator) -> None:
    x, y = (torch.randn(2, 5, 5, generator=rng, dtype=torch.float64) for _ in range(2))
    assert torch.equal(turned_back(turned_by(x, turn), turn), x)
    torch.testing.assert_close((turned_by(x, turn) * y).sum(), (x * turned_back(y, turn)).sum())


def test_there_are_eight() -> None:
    square = torch.arange(9.0).view(3, 3)
    assert len({tuple(turned_by(square, turn).flatten().tolist()) for turn in range(3 * N_TURNS)}) == N_TURNS

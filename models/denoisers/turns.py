"""The eight ways a square lies."""

from __future__ import annotations

from torch import Tensor

N_TURNS = 8


def turned_by(patch: Tensor, turn: int) -> Tensor:
    """(..., y, x) turned by ``turn`` mod 4 quarters; from 4 to 7 then flipped, and so on from 8."""
    made = patch.rot90(turn % 4, (-2, -1))
    return made.flip(-1) if turn % N_TURNS >= 4 else made


def turned_back(patch: Tensor, turn: int) -> Tensor:
    """The inverse of ``turned_by``, which is its transpose."""
    made = patch.flip(-1) if turn % N_TURNS >= 4 else patch
    return made.rot90(-turn % 4, (-2, -1))

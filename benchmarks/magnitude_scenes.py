"""Simulated measurements of held-out scenes by the array of Oral & Oktem (2024)."""

from __future__ import annotations

import argparse
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.denoisers.adjoint_scenes import measured
from proxflow.models.denoisers.held_out_scenes import held_out_scenes
from proxflow.models.denoisers.scenes import SceneSettings, with_random_phase
from proxflow.operators.base import LinearOperator
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.operator_norm import operator_norm

SEED = 4_280_000_000  # of phases and noise, plus the scene's number; no training's
NORM_STEPS = 40  # of the power method


class Cell(NamedTuple):
    """One column of the table."""

    n_frequencies: int
    snr_db: int

    @classmethod
    def parse(cls, text: str) -> Cell:
        """ "20:30" is 20 frequencies at 30 dB."""
        try:
            n_frequencies, snr_db = map(int, text.split(":"))
        except ValueError:
            raise argparse.ArgumentTypeError(f"cells must be as 20:30,5:10, got {text}") from None
        return cls(n_frequencies, snr_db)

    def __str__(self) -> str:
        return f"{self.n_frequencies}:{self.snr_db}"


CELLS = [Cell(f, snr) for f in (5, 10, 20) for snr in (10, 20, 30)]


class Posed(NamedTuple):
    """Scenes and their measurements."""

    array: NearFieldMimo
    operator: LinearOperator  # array / ||array||
    truth: Tensor  # float32 (scene, z, y, x), each with a peak of 1
    y: Tensor  # complex64 (scene, frequency, transmitter, receiver), of ``array``
    epsilon: Tensor  # sqrt(M v) / ||y||, float64 (scene,): v is the true variance of the noise


def posed(cell: Cell, first: int, n: int) -> Posed:
    """Held-out scenes ``first`` to ``first + n - 1``, with the same phases in every cell."""
    array, norm = array_of(cell.n_frequencies)
    truth = held_out_scenes(SceneSettings(), n, first)
    data, epsilon = [], []
    for index, magnitude in enumerate(truth, first):
        clean = array.forward(with_random_phase(magnitude, _rng(index)))
        y = measured(array, magnitude, cell.snr_db, _rng(index))
        data.append(y)
        epsilon.append(float(clean.norm() / y.norm()) * 10 ** (-cell.snr_db / 20))
    relative = torch.tensor(epsilon, dtype=torch.float64)
    return Posed(array, (1 / norm) * array, truth, torch.stack(data), relative)


@lru_cache(maxsize=1)
def array_of(n_frequencies: int) -> tuple[NearFieldMimo, float]:
    """The array and its norm; the last one's factors are kept."""
    array = mills_cross(n_frequencies)
    return array, operator_norm(array, n_iter=NORM_STEPS)


def _rng(index: int) -> torch.Generator:
    return torch.Generator().manual_seed(SEED + index)

"""The predictor-corrector sampler against the recursion of a Gaussian prior, and its symmetries."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.noise_levels import NoiseLevel, sigma_range
from proxflow.models.methods.score_mri import score_mri
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator

MEAN, VARIANCE, MEASURED = 0.3, 0.2, 0.8
N = 40_000  # pixels, half of them measured


def scalar(x: Tensor, level: NoiseLevel) -> Tensor:
    """eps of independent pixels N(0.3, 0.2)."""
    total = level.signal**2 * VARIANCE + level.noise**2
    return level.noise / total * (x - level.signal * MEAN)


def recursion(
    n_iter: int, process: Any, predictor: str, snr: float, n_correct: int
) -> list[tuple[float, float]]:
    """Mean and variance of measured and of other pixels, with the corrector's step that many pixels have."""
    low, high = sigma_range(process)
    sigmas = [high * (low / high) ** (i / (n_iter - 1)) for i in range(n_iter)] + [0.0]
    moments = [(0.0, high**2), (0.0, high**2)]
    for k in range(n_iter):
        s, t = sigmas[k], sigmas[k + 1]
        w = 1 + (0.2 - 1) * k / (n_iter - 1)
        fresh = (s**2 - t**2) * ((t / s) ** 2 if predictor == "ancestral" else 1.0) if t else 0.0
        moments = moved(moments, (s**2 - t**2) / (VARIANCE + s**2), fresh, w)
        for _ in range(n_correct if t else 0):
            square = sum(v + (m - MEAN) ** 2 for m, v in moments) / 2 / (VARIANCE + t**2) ** 2
            size = 2 * snr**2 / square
            moments = moved(moments, size / (VARIANCE + t**2), 2 * size, w)
    return moments


def moved(moments: Any, pull: float, fresh: float, w: float) -> list[tuple[float, float]]:
    """x + pull (mean - x) + sqrt(fresh) z, and of the first the step towards the data."""
    both = [((1 - pull) * m + pull * MEAN, (1 - pull) ** 2 * v + fresh) for m, v in moments]
    (m, v), other = both
    return [((1 - w) * m + w * MEASURED, (1 - w) ** 2 * v), other]


@pytest.mark.parametrize("process", ["vp", "ve"])
@pytest.mark.parametrize(
    ("n_iter", "predictor", "snr", "n_correct"),
    [(10, "ancestral", 0.16, 1), (40, "reverse_diffusion", 0.16, 1), (10, "ancestral", 0.3, 2)],
)
def test_mean_and_variance_follow_the_recursion(
    process: Any, n_iter: int, predictor: Any, snr: float, n_correct: int
) -> None:
    measured = (torch.arange(50) % 2).double()
    operator = MatrixOperator(torch.diag(measured), (1, 50), (1, 50))
    y = (MEASURED * measured).expand(1, 1, 50)
    one = Tiled(operator, N // 50)
    found = score_mri(
        one,
        y.expand(N // 50, 1, 50).reshape(-1, 50),
        prior=scalar,
        n_iter=n_iter,
        process=process,
        predictor=predictor,
        snr=snr,
        n_correct=n_correct,
        unit=1.0,
    ).image
    expected = recursion(n_iter, process, predictor, snr, n_correct)
    for columns, (mean, variance) in zip((measured == 1, measured == 0), expected, strict=True):
        values = found[..., columns].flatten()
        n = len(values)
        assert float(values.mean()) == pytest.approx(mean, abs=5 * (variance / n) ** 0.5 + 2e-3)
        assert float(values.var()) == pytest.approx(variance, rel=5 * (2 / n) ** 0.5 + 2e-2)


class Tiled(LinearOperator):
    """Rows measured alike: one item of many pixels, so that the corrector's step has its limit."""

    def __init__(self, row: LinearOperator, n: int) -> None:
        super().__init__()
        self.row = row
        self.domain_shape = self.range_shape = (n, 50)

    def forward(self, x: Tensor) -> Tensor:
        return self.row.forward(x[..., None, :])[..., 0, :]

    def adjoint(self, y: Tensor) -> Tensor:
        return self.row.adjoint(y[..., None, :])[..., 0, :]


def test_many_levels_come_to_the_prior_where_nothing_is_measured() -> None:
    mean, variance = recursion(2000, "vp", "reverse_diffusion", 0.16, 1)[1]
    assert mean == pytest.approx(MEAN, rel=1e-3) and variance == pytest.approx(VARIANCE, rel=0.05)
    few = recursion(20, "vp", "ancestral", 0.16, 1)[1][1]
    assert abs(few - VARIANCE) < abs(recursion(20, "vp", "reverse_diffusion", 0.16, 1)[1][1] - VARIANCE)


def sampled(scan: Any, **numbers: Any) -> Tensor:
    operator, y, prior = scan
    return score_mri(operator, y, prior=prior, **{"n_iter": 8, "unit": 2.0, **numbers}).image


def test_data_without_noise_are_met_where_the_step_replaces_them(rng: torch.Generator) -> None:
    """One coil: rows of a unitary matrix; with weight 1 to the end the samples are those measured."""
    q = torch.linalg.qr(torch.randn(30, 30, dtype=torch.complex128, generator=rng))[0]
    operator = MatrixOperator(q[:11], (6, 5), (11,))
    y = torch.randn(11, dtype=torch.complex128, generator=rng)
    prior = FourierWiener(torch.ones(6, 5, dtype=torch.float64))
    found = score_mri(operator, y, prior=prior, n_iter=5, last_data_weight=1.0)
    torch.testing.assert_close(operator.forward(found.image), y)
    assert found.trace[-1].data_residual < 1e-6


def test_a_prior_that_finds_no_noise_ends_finite(scan: Any) -> None:
    operator, y, _ = scan
    assert bool(sampled((operator, y, lambda x, level: torch.zeros_like(x))).isfinite().all())


def test_bad_numbers_are_told(scan: Any) -> None:
    for numbers, sentence in (
        ({"n_iter": 1}, "n_iter must be at least 2, got 1"),
        ({"snr": -0.1}, "snr and n_correct must be at least 0"),
        ({"data_weight": 2.0}, "data weights must be 0 to below 2"),
    ):
        with pytest.raises(ValueError, match=sentence):
            sampled(scan, **numbers)
    operator, y, _ = scan
    with pytest.raises(DivergenceError):
        sampled((operator, y, lambda x, level: x * math.nan))

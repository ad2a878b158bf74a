"""The decomposed diffusion sampler against closed forms of Gaussian priors, and its symmetries."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.data_consistency import ExactConsistency
from proxflow.models.diffusion.fourier_wiener import FourierWiener, radial_spectrum
from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_steps
from proxflow.models.methods import dds as module
from proxflow.models.methods.dds import dds
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator

STEPS = 8


class Scalar:
    """Independent pixels N(0.3, variance)."""

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        total = level.signal**2 * self.variance + level.noise**2
        return level.noise / total * (x - level.signal * 0.3)


def diagonal(gains: Tensor, shape: tuple[int, ...]) -> LinearOperator:
    return MatrixOperator(torch.diag(gains), shape, shape)


@pytest.fixture
def noiseless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise is its mean: for a Gaussian prior the output is then the mean of all outputs."""
    monkeypatch.setattr(module, "drawn_alike", lambda x, *numbers: torch.zeros_like(x))


@pytest.mark.parametrize("rule", ["official", "ddim"])
def test_mean_and_variance_follow_the_recursion(rule: Any, gaussian_moments: Any) -> None:
    """Half of 40 000 pixels measured as 0.8: each half has the moments of the scalar recursion."""
    measured = (torch.arange(50) % 2).double()
    operator = diagonal(measured, (1, 50))
    y = (0.8 * measured).expand(800, 1, 50)
    found = dds(operator, y, prior=Scalar(0.2), n_iter=20, eta=0.7, rule=rule, gamma=0.95, unit=1.0).image
    steps = vp_steps(20, eta=0.7, rule=rule)
    for columns, gamma in ((measured == 1, 0.95), (measured == 0, 0.0)):
        values = found[..., columns].flatten()
        mean, variance = gaussian_moments(steps, 0.3, 0.2, gamma, 0.8)
        n = len(values)
        assert float(values.mean()) == pytest.approx(mean, abs=4 * (variance / n) ** 0.5)
        assert float(values.var()) == pytest.approx(variance, rel=4 * (2 / n) ** 0.5)


@pytest.mark.parametrize("noise", [0.05, 0.3])
@pytest.mark.parametrize(("n_iter", "eta"), [(5, 0.9), (20, 0.5), (40, 0.85)])
@pytest.mark.usefixtures("noiseless")
def test_with_exact_consistency_the_mean_is_the_posterior_mean(
    noise: float, n_iter: int, eta: float, exponential: Any, rng: torch.Generator
) -> None:
    matrix = torch.randn(16, 64, dtype=torch.float64, generator=rng) / 8
    operator = MatrixOperator(matrix, (1, 64), (1, 16))
    y = torch.randn(1, 1, 16, dtype=torch.float64, generator=rng)
    exact = ExactConsistency(operator, y, exponential, noise=noise)
    found = dds(operator, y, prior=exponential, n_iter=n_iter, eta=eta, consistency=exact, unit=1.0).image
    c = exponential.c
    gain = c @ matrix.mT @ torch.linalg.inv(matrix @ c @ matrix.mT + noise**2 * torch.eye(16))
    expected = y @ gain.mT
    assert float((found - expected).norm() / expected.norm()) < 5e-3


@pytest.mark.usefixtures("noiseless")
def test_plain_sampling_is_near_the_posterior_mean_and_not_it(exponential: Any, rng: torch.Generator) -> None:
    """16 of 64 pixels measured: published as 0.25 to 0.36 of the posterior's spread for gamma 0.95 to 5."""
    seen = torch.randperm(64, generator=rng)[:16]
    matrix = torch.eye(64, dtype=torch.float64)[seen]
    operator = MatrixOperator(matrix, (1, 64), (1, 16))
    x = torch.linalg.cholesky(exponential.c) @ torch.randn(64, dtype=torch.float64, generator=rng)
    y = x[seen].view(1, 1, 16)
    found = dds(operator, y, prior=exponential, n_iter=50, gamma=5.0, unit=1.0).image
    c = exponential.c
    gain = c @ matrix.mT @ torch.linalg.inv(matrix @ c @ matrix.mT + 0.05**2 * torch.eye(16))
    spread = torch.trace(c - gain @ matrix @ c).sqrt()
    assert 0.02 < float((found - y @ gain.mT).norm() / spread) < 0.6


@pytest.fixture
def scan(rng: torch.Generator) -> tuple[LinearOperator, Tensor, FourierWiener]:
    """Six complex pixels by five, half as many measurements, and a prior made of them."""
    matrix = torch.randn(15, 30, dtype=torch.complex128, generator=rng) / 8
    operator = MatrixOperator(matrix, (6, 5), (15,))
    x = torch.randn(2, 6, 5, dtype=torch.complex128, generator=rng).cumsum(-1)
    return operator, operator.forward(x), FourierWiener(radial_spectrum(list(x), (6, 5), n_rings=4))


def sampled(scan: tuple[LinearOperator, Tensor, FourierWiener], **numbers: Any) -> Tensor:
    operator, y, prior = scan
    return dds(operator, y, prior=prior, **{"n_iter": STEPS, "unit": 2.0, **numbers}).image


@pytest.mark.parametrize("consistency", ["hard", "proximal", "adaptive"])
@pytest.mark.parametrize("process", ["vp", "ve"])
def test_seed_and_item_decide_a_sample(scan: Any, consistency: Any, process: Any) -> None:
    numbers = {"consistency": consistency, "process": process, "noise": 0.1}
    first, again, other = (sampled(scan, seed=seed, **numbers) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.allclose(first, other, rtol=0.01)
    operator, y, prior = scan
    alone = sampled((operator, y[:1], prior), **numbers)
    torch.testing.assert_close(alone, first[:1])
    few = sampled(scan, images_at_once=1, **numbers)
    torch.testing.assert_close(few, first)


def test_a_phase_of_the_operator_turns_the_image_back(scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(j phi) A measures what exp(-j phi) x is: with noise turned alike, so is the sample."""
    operator, y, prior = scan
    turn = torch.polar(torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64))
    plain, drawn = sampled(scan), module.drawn_alike
    monkeypatch.setattr(module, "drawn_alike", lambda *a: drawn(*a) / turn)
    turned = sampled((complex(turn) * operator, y, prior))
    torch.testing.assert_close(turned, plain / turn)


def test_the_unit_of_the_data_passes_through(scan: Any) -> None:
    operator, y, prior = scan
    torch.testing.assert_close(sampled((operator, 1e-6 * y, prior), unit=2e-6), 1e-6 * sampled(scan))
    own = sampled(scan, unit=None)
    torch.testing.assert_close(sampled((operator, 1e3 * y, prior), unit=None), 1e3 * own)


def test_order_of_measurements_changes_nothing(scan: Any, rng: torch.Generator) -> None:
    operator, y, prior = scan
    order = torch.randperm(15, generator=rng)
    shuffled = MatrixOperator(operator.matrix[order], (6, 5), (15,))
    torch.testing.assert_close(sampled((shuffled, y[..., order], prior)), sampled(scan))


def test_a_run_that_was_stopped_goes_on_to_the_same_image(scan: Any) -> None:
    operator, y, prior = scan
    kept: list[Checkpoint] = []
    trace: list[Iteration] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        trace.append(iteration)
        kept.append(Checkpoint(iteration.index, state, list(trace)))

    numbers: dict[str, Any] = {"prior": prior, "n_iter": STEPS, "samples": 2}
    whole = dds(operator, y, monitor=monitor, **numbers)
    for checkpoint in kept[:-1]:
        resumed = dds(operator, y, resume=checkpoint, **numbers)
        assert torch.equal(resumed.image, whole.image) and len(resumed.trace) == STEPS
        assert torch.equal(resumed.maps["std"], whole.maps["std"]) and whole.maps["std"].max() > 0


def test_residual_is_that_of_the_image(scan: Any) -> None:
    operator, y, prior = scan
    found = dds(operator, y, prior=prior, n_iter=STEPS)
    expected = (operator.forward(found.image) - y).norm() / y.norm()
    assert found.trace[-1].data_residual == pytest.approx(float(expected), rel=1e-6)
    hard = dds(operator, y, prior=prior, n_iter=STEPS, consistency="hard", n_cg=60)
    assert hard.trace[-1].data_residual < 1e-3 * found.trace[-1].data_residual


def test_bad_numbers_and_bad_priors_are_told(scan: Any) -> None:
    operator, y, prior = scan
    for numbers, sentence in (
        ({"gamma": 0.0}, "gamma must be positive, got 0"),
        ({"consistency": "adaptive"}, "noise must be given for adaptive consistency"),
        ({"consistency": "adaptive", "noise": 0.0}, "noise and spread must be positive"),
        ({"n_iter": 0}, "n_steps must be 1 to 1000, got 0"),
        ({"eta": 2.0}, "eta must be 0 to 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            dds(operator, y, prior=prior, **numbers)  # type: ignore[arg-type]
    with pytest.raises(DivergenceError):
        dds(operator, y, prior=lambda x, level: x * float("nan"), n_iter=3)

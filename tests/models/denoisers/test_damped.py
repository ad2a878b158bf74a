"""Total variation that knows how large images are, and what a sampler does without."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.denoisers.damped import Damped
from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.priors import DenoiserPrior
from proxflow.models.methods.dds import dds
from proxflow.operators.dense import MatrixOperator


def test_little_noise_changes_nothing_and_much_leaves_nothing(rng: torch.Generator) -> None:
    images = torch.rand(2, 9, 8, generator=rng)
    damped, plain = Damped(LevelTv()), LevelTv()
    torch.testing.assert_close(damped(images, 0.01), plain(images, 0.01), rtol=2e-4, atol=0)
    torch.testing.assert_close(damped(images, 1.0), 0.5 * plain(images, 1.0))
    assert float(damped(100 * torch.randn(2, 9, 8, generator=rng), 100.0).abs().max()) < 0.05
    with pytest.raises(ValueError, match="size must be positive, got 0"):
        Damped(plain, 0.0)


def test_where_nothing_was_measured_samples_are_as_large_as_images() -> None:
    """Of total variation alone they are an order larger, rests of the noise that sampling begins with."""
    nothing, y = MatrixOperator(torch.zeros(1, 400), (20, 20), (1,)), torch.zeros(1)

    def size(prior: DenoiserPrior) -> float:
        return float(dds(nothing, y, prior=prior, n_iter=20, unit=1.0).image.std())

    assert size(DenoiserPrior(Damped(LevelTv()))) < 0.5
    assert size(DenoiserPrior(LevelTv())) > 5

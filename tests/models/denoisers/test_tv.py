"""Total variation as a denoiser."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.denoisers.tv import TvDenoiser


@pytest.fixture
def steps() -> torch.Tensor:
    """Two frames of flat regions, peak 1."""
    frames = torch.zeros(2, 32, 41)
    frames[0, 6:25, 8:30] = 1
    frames[0, 10:18, 12:20] = 0.5
    frames[1, 3:12, 5:36] = 0.8
    return frames


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1])
def test_noise_is_removed_from_flat_regions(steps: torch.Tensor, sigma: float, rng: torch.Generator) -> None:
    noisy = steps + sigma * torch.randn(steps.shape, generator=rng)
    before, after = (noisy - steps).norm(), (TvDenoiser(sigma)(noisy) - steps).norm()
    assert after < 0.5 * before


def test_an_images_result_does_not_hang_on_others(steps: torch.Tensor) -> None:
    denoise = TvDenoiser(0.1)
    together = denoise(steps)
    torch.testing.assert_close(denoise(steps[1:]), together[1:], rtol=0, atol=0)


def test_without_noise_it_is_the_identity(steps: torch.Tensor) -> None:
    torch.testing.assert_close(TvDenoiser(0)(steps), steps, rtol=0, atol=0)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="sigma must be at least 0 and finite, got -1"):
        TvDenoiser(-1)
    with pytest.raises(ValueError, match="n_iter must be at least 1, got 0"):
        TvDenoiser(n_iter=0)

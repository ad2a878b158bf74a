"""Training images with values beyond 0 to 1."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.learned_prox.widened import widened

BEYOND = 0.25


@pytest.fixture
def clean(rng: torch.Generator) -> torch.Tensor:
    """One channel, values 0 to 1, both of which every image has."""
    images = torch.rand(400, 1, 4, 6, generator=rng)
    images[:, :, 0, 0], images[:, :, 0, 1] = 0.0, 1.0
    return images


def test_half_of_the_real_images_become_a_part_of_the_wider_range(
    clean: torch.Tensor, rng: torch.Generator
) -> None:
    found = widened(clean, BEYOND, rng)
    changed = (found != clean).flatten(1).any(1)
    assert 0.4 < float(changed.float().mean()) < 0.6
    low, high = found[changed, 0, 0, 0], found[changed, 0, 0, 1]
    assert -BEYOND <= float(low.min()) < -0.24 and 1.24 < float(high.max()) <= 1 + BEYOND
    assert float(low.max()) > 0.1 and float(high.min()) < 1.0  # shifted either way
    stretch = high - low
    assert 1 <= float(stretch.min()) < 1.05 and 1.4 < float(stretch.max()) <= 1 + 2 * BEYOND + 1e-6
    linear = low[:, None, None] + stretch[:, None, None] * clean[changed, 0]
    torch.testing.assert_close(found[changed, 0], linear, rtol=0, atol=1e-6)


def test_magnitudes_of_complex_images_are_stretched_and_their_phases_kept(rng: torch.Generator) -> None:
    images = torch.polar(torch.rand(300, 5, 4, generator=rng), 6 * torch.rand(300, 5, 4, generator=rng))
    parts = torch.stack([images.real, images.imag], 1)
    found = widened(parts, BEYOND, rng)
    stretched = torch.complex(found[:, 0], found[:, 1]) / images
    factor = stretched.real.mean((1, 2))
    assert float(stretched.imag.abs().max()) < 1e-5
    assert float(factor.min()) == pytest.approx(1) and 1.2 < float(factor.max()) <= 1 + BEYOND + 1e-6
    assert 0.4 < float((factor > 1.0001).float().mean()) < 0.6


@pytest.mark.parametrize("channels", [1, 2])
def test_nothing_leaves_the_range_and_nothing_is_drawn_without_one(
    channels: int, rng: torch.Generator
) -> None:
    images = 1.25 * torch.rand(100, channels, 4, 4, generator=rng)
    before = rng.get_state()
    assert widened(images, 0.0, rng) is images and torch.equal(rng.get_state(), before)
    found = widened(images, BEYOND, rng)
    if channels == 2:
        magnitudes = torch.linalg.vector_norm(found, dim=1)
        assert float(magnitudes.max()) == pytest.approx(1 + BEYOND)
    else:
        assert -BEYOND <= float(found.min()) < 0 and float(found.max()) == 1 + BEYOND

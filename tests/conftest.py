"""Fixtures that every test may use."""

import pytest
import torch


@pytest.fixture
def rng() -> torch.Generator:
    """A seeded generator, fresh for every test."""
    return torch.Generator().manual_seed(20)

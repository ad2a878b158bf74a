"""Fixtures that every test may use."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # before torch: test workers share the cores

import pytest
import torch


@pytest.fixture
def rng() -> torch.Generator:
    """A seeded generator, fresh for every test."""
    return torch.Generator().manual_seed(20)

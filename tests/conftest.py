"""Fixtures that every test may use."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: test workers share the cores

import pytest
import torch


@pytest.fixture
def rng() -> torch.Generator:
    """A seeded generator, fresh for every test."""
    return torch.Generator().manual_seed(20)

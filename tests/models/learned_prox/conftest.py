"""A drawn network and where it is asked, shared by tests of priors."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings

SETTINGS = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)


@pytest.fixture
def prox(bent: Callable[[IcnnSettings], Icnn]) -> NetworkProx:
    return NetworkProx(bent(SETTINGS), stride=4)


@pytest.fixture
def v(rng: torch.Generator) -> Tensor:
    """Six images, values from -0.5 to 1.5."""
    return 2 * torch.rand(6, 1, 8, 11, dtype=torch.float64, generator=rng) - 0.5

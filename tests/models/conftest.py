"""Networks that several folders of tests ask about."""

from collections.abc import Callable

import pytest
import torch

from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings


@pytest.fixture
def bent() -> Callable[[IcnnSettings], Icnn]:
    """Input-convex networks in double precision, of weights so large that f is far from 2 alpha y."""

    def make(settings: IcnnSettings) -> Icnn:
        network = drawn_network(lambda: Icnn(settings), seed=4).double()
        rng = torch.Generator().manual_seed(5)
        for layer in network.lin[1:]:
            size = 4.0 / layer.weight[0].numel()
            layer.weight.data.copy_(size * torch.rand(layer.weight.shape, generator=rng, dtype=torch.float64))
        network.lin[-1].weight.data.mul_(30)
        return network.requires_grad_(False)

    return make

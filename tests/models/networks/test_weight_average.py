"""The moving average of weights: against the recursion by hand, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from proxflow.models.networks.trainee import follow_gradient, new_trainee
from proxflow.models.networks.weight_average import WeightAverage


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9995])
def test_the_average_is_the_recursion_with_its_warm_up(decay: float) -> None:
    network = nn.Linear(1, 1, bias=False).double()
    average, expected = WeightAverage(network, decay), float(network.weight.detach())
    for step in range(1, 30):
        network.weight.data.fill_(step**0.5)
        average.follow(network, step)
        d = min(decay, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * step**0.5
        assert float(average.network.weight) == pytest.approx(expected, rel=1e-12)
    assert float(network.weight.detach()) == 29**0.5


def test_a_trainee_gives_the_average_where_it_has_one() -> None:
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv1d(1, 2, 1), nn.BatchNorm1d(2))
    trainee = new_trainee(network, 10, rate=0.1, decay=0.0)
    assert trainee.result is network
    trainee.average = WeightAverage(network, 0.5)
    first = network[0].weight.detach().clone()
    network(torch.arange(8.0).view(1, 1, 8))[:, 0].exp().mean().backward()
    follow_gradient(trainee)
    assert trainee.result is trainee.average.network
    assert not any(weight.requires_grad for weight in trainee.result.parameters())
    means = dict(trainee.result.named_parameters())["0.weight"]
    torch.testing.assert_close(means, first * 2 / 11 + network[0].weight.detach() * 9 / 11)
    statistics = dict(trainee.result.named_buffers())
    assert torch.equal(statistics["1.running_mean"], network[1].running_mean)
    assert int(statistics["1.num_batches_tracked"]) == 1

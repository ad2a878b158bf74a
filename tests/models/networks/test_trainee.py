"""Steps of a training: the rate, and what is forgotten where a step is not finished."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from proxflow.models.networks.running_statistics import train_mode
from proxflow.models.networks.trainee import follow_gradient, forget_gradient, learning_rate, new_trainee


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    rates = [learning_rate(step, 1000, rate=5e-4, decay=0.5) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-5) and rates[49] == rates[500] == 5e-4
    assert rates[500:] == sorted(rates[500:], reverse=True)
    assert rates[-1] < 1e-8
    assert (
        learning_rate(999, 1000, rate=5e-4, decay=0.0)
        == 5e-4
        > learning_rate(500, 1000, rate=5e-4, decay=1.0)
        > 2e-4
    )


def test_running_statistics_go_back_where_a_step_is_not_finished() -> None:
    network = nn.Sequential(nn.Conv1d(1, 2, 1), nn.BatchNorm1d(2))
    trainee = new_trainee(network, 100, rate=1e-3, decay=0.5)

    def find() -> None:
        trainee.optimiser.zero_grad()
        network(torch.arange(8.0).view(1, 1, 8)).square().mean().backward()

    find()
    follow_gradient(trainee)
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    find()
    assert not torch.equal(kept["1.running_mean"], network.state_dict()["1.running_mean"])
    forget_gradient(trainee)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, kept[name], rtol=0, atol=0)
    assert int(kept["1.num_batches_tracked"]) == 1 == trainee.step


@pytest.mark.parametrize(("frozen", "first"), [(0.0, 10), (0.3, 7), (1.0, 0)])
def test_late_steps_leave_running_statistics(frozen: float, first: int) -> None:
    network = nn.Sequential(nn.Conv1d(1, 2, 1), nn.BatchNorm1d(2), nn.Dropout())
    trainee = new_trainee(network, 10, rate=1e-3, decay=0.5)
    moved = []
    for _ in range(10):
        train_mode(trainee, frozen)
        assert network[2].training
        before = network[1].running_mean.clone()
        trainee.optimiser.zero_grad()
        network(torch.arange(8.0).view(1, 1, 8)).square().mean().backward()
        moved.append(not torch.equal(before, network[1].running_mean))
        follow_gradient(trainee)
    assert moved == [step < first for step in range(10)]

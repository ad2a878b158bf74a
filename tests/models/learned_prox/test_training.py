"""Stages, pairs, gradients and figures of a training on images."""

from __future__ import annotations

import math

import pytest
import torch

from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.diffusion.noisy_images import ImageSettings
from proxflow.models.learned_prox.matching import proximal_matching
from proxflow.models.learned_prox.stages import Stage, falling_share, image_stages, rate_at, stage_at
from proxflow.models.learned_prox.training import (
    GainPenalty,
    Pairs,
    draw_pairs,
    find_lpn_gradient,
    judge_lpn,
    lpn_trainee,
    with_noise,
)
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.models.networks.trainee import follow_gradient, trainee_of

TINY = IcnnSettings(side=8, hidden=4)


def test_the_published_stages() -> None:
    stages = image_stages(40_000, share=0.5, rate=1e-3, matching_rate=1e-4, gamma=10.24)
    assert stages[0] == Stage("l1", 1e-3, 20_000)
    assert [(stage.loss, stage.rate, stage.n_steps) for stage in stages[1:]] == [
        ("matching", 1e-4, 5_000)
    ] * 4
    assert [stage.gamma for stage in stages[1:]] == [81.92, 40.96, 20.48, 10.24]
    assert stage_at(stages, 19_999) is stages[0] and stage_at(stages, 20_000) is stages[1]
    assert stage_at(stages, 34_999) is stages[3] and stage_at(stages, 35_000) is stages[4] is stage_at(
        stages, 50_000
    )


@pytest.mark.parametrize(
    ("n", "share", "counts"), [(7, 0.0, [1, 2, 2, 2]), (6, 1.0, [6]), (5, 0.5, [2, 1, 1, 1]), (1, 0.0, [1])]
)
def test_few_steps_are_shared_out_and_the_last_gamma_is_among_them(
    n: int, share: float, counts: list[int]
) -> None:
    stages = image_stages(n, share=share, rate=1.0, matching_rate=0.1, gamma=2.0)
    assert [stage.n_steps for stage in stages] == counts and sum(counts) == n
    assert stages[-1].gamma == (0.0 if share == 1 else 2.0)


@pytest.mark.parametrize(
    ("share", "decay", "falls"), [(0.5, 0.25, 0.25), (0.5, 0.8, 0.5), (1.0, 0.8, 0.8), (0.0, 1.0, 1.0)]
)
def test_the_rate_falls_to_nothing_within_the_last_loss(share: float, decay: float, falls: float) -> None:
    stages = image_stages(400, share=share, rate=1.0, matching_rate=0.1, gamma=2.0)
    assert falling_share(stages, decay) == falls
    constant, rates = ([rate_at(stages, step, one) for step in range(400)] for one in (0.0, decay))
    assert constant == [stage_at(stages, step).rate for step in range(400)]
    first = round(400 * (1 - falls))
    assert rates[: first + 1] == constant[: first + 1]
    end = constant[-1]
    assert rates[first:] == sorted(rates[first:], reverse=True) and rates[-1] < 1e-3 * end
    assert rates[(400 + first) // 2] == pytest.approx(end / 2)


@pytest.mark.parametrize("is_complex", [False, True])
def test_pairs_are_decided_by_seed_and_step_and_differ_by_the_noise(is_complex: bool) -> None:
    disc = (torch.arange(40)[:, None] - 20.0) ** 2 + (torch.arange(36) - 18.0) ** 2 < 200
    subjects, settings = [Subject("a", ((disc.float(),),))], ImageSettings(32, 16, is_complex)
    pairs = draw_pairs(subjects, settings, 0.05, 1, 7)
    assert pairs.clean.shape == (16, 2 if is_complex else 1, 32, 32)
    again, next_step = (draw_pairs(subjects, settings, 0.05, 1, step) for step in (7, 8))
    assert torch.equal(pairs.noisy, again.noisy) and not torch.equal(pairs.clean, next_step.clean)
    noise = pairs.noisy - pairs.clean
    assert float(noise.std()) == pytest.approx(0.05, rel=0.03) and abs(float(noise.mean())) < 1e-3
    wide, once_more = (draw_pairs(subjects, settings, 0.05, 1, 7, beyond=0.3) for _ in range(2))
    assert torch.equal(wide.noisy, once_more.noisy) and torch.equal(wide.clean, once_more.clean)
    kept = (wide.clean == pairs.clean).flatten(1).all(1)  # the images, and which way they lie, are the same
    assert 0 < int(kept.sum()) < 16 and float(wide.clean.max()) > 1 >= float(pairs.clean.max())


def test_steps_follow_the_loss_and_keep_weights_from_being_negative(rng: torch.Generator) -> None:
    torch.manual_seed(0)
    stages = (Stage("l1", 2e-2, 30), Stage("matching", 5e-3, 30, 2.0))
    trainee = lpn_trainee(Icnn(TINY), stages, 0.25)
    clean = torch.rand(4, 1, 8, 8, generator=rng)
    pairs = Pairs(clean, clean + 0.05 * torch.randn(clean.shape, generator=rng))
    losses, clamped = [], False
    while trainee.step < trainee.n_steps:
        stage = stage_at(stages, trainee.step)
        losses.append(find_lpn_gradient(trainee, pairs, stage))
        follow_gradient(trainee)
        step = trainee.step - 1
        rate = trainee.optimiser.param_groups[0]["lr"]
        assert rate == rate_at(stages, step, 0.25) and (rate == stage.rate) == (step <= 45)
        convex = [layer.weight for layer in trainee.network.lin[1:]]
        assert all(bool((weight >= 0).all()) for weight in convex)
        clamped = clamped or any(bool((weight == 0).any()) for weight in convex)
    assert losses[29] < 0.6 * losses[0] and losses[-1] < losses[30] and clamped
    wanted = proximal_matching(trainee.network(pairs.noisy), pairs.clean, 2.0)
    assert find_lpn_gradient(trainee, pairs, stages[1]) == pytest.approx(float(wanted.detach()))
    assert float(trainee.network.lin[-1].bias.grad) == 0  # psi's constant


class Halved(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        return self.factor * y


def test_what_is_judged_of_a_network_that_halves() -> None:
    clean = torch.zeros(40, 1, 16, 16)
    row = judge_lpn(Halved(), clean, 0.1, 0.8)
    assert row.level == "0.1" and row.before == pytest.approx(20, abs=0.3)  # a mean of dB
    assert row.gain == pytest.approx(20 * math.log10(2), abs=1e-4)
    square = with_noise(clean, 0.05).square().flatten(1).sum(1)
    assert row.loss == pytest.approx(float((1 - (-square / 0.64).exp()).mean()), rel=1e-4)
    assert row == judge_lpn(Halved(), clean, 0.1, 0.8)


@pytest.mark.parametrize(("factor", "slope"), [(0.5, 0.0), (1.5, 1.0)])
def test_gains_above_one_are_penalised_in_units_of_the_loss(
    factor: float, slope: float, rng: torch.Generator
) -> None:
    """Of f(y) = c y the gain is |c|: a weight of 3 adds 3 loss to the slope for c > 1, and else nothing."""
    network = Halved()
    network.factor.data.fill_(factor)
    trainee = trainee_of(network, torch.optim.Adam(network.parameters()), 1, lambda step: 1e-3)
    clean = torch.rand(5, 1, 8, 8, generator=rng)
    pairs, stage = Pairs(clean, clean + 0.1 * torch.randn(clean.shape, generator=rng)), Stage("l1", 1e-3, 1)
    loss = find_lpn_gradient(trainee, pairs, stage)
    plain = float(network.factor.grad)
    penalty = GainPenalty(3.0, (0.02, 0.3), seed=0)
    assert find_lpn_gradient(trainee, pairs, stage, penalty) == pytest.approx(loss)
    assert float(network.factor.grad) - plain == pytest.approx(3 * slope * loss, abs=1e-5)

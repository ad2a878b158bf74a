"""The gradient of networks against artefacts, and what is measured of them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from proxflow.models.artefacts.training import (
    N_CG,
    Case,
    find_ssim_gradient,
    judged_pattern,
    made_of,
    scores,
)
from proxflow.models.artefacts.undersampled_images import UNIT, Undersampled
from proxflow.models.methods.reconresnet import reconresnet
from proxflow.models.metrics.ssim_loss import ssim_loss
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.models.networks.trainee import Trainee, new_trainee
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.cartesian_sense import CartesianSense

TINY = ReconResNetSettings(n_blocks=1, width=4, dropout=0.5)


class Knows(nn.Module):
    """Gives the true magnitude, in a unit of its own, whatever it sees."""

    def __init__(self, truth: Tensor) -> None:
        super().__init__()
        self.truth = nn.Parameter(0.6 * truth[None, None])
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return self.truth.expand_as(x)


def case() -> Case:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="ij")
    truth = torch.polar(((x**2 + 2 * y**2) < 0.5).float(), 0.3 * x)
    mask = torch.zeros(24, 24, dtype=torch.bool)
    mask[::3] = mask[10:15] = True
    return Case(truth, CartesianSense(mask, torch.ones(1, 24, 24, dtype=torch.complex64)))


def drawn(seed: int = 0) -> Trainee:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return new_trainee(ReconResNet(TINY), 10, rate=1e-3, decay=0.5, weight_decay=0)


def test_the_gradient_is_that_of_the_loss_and_decided_by_the_step(rng: torch.Generator) -> None:
    images = Undersampled(*torch.rand(2, 2, 1, 16, 12, generator=rng))
    one, other = drawn(), drawn()
    before = torch.get_rng_state()
    losses = [find_ssim_gradient(trainee, images, seed=3, mixed=False) for trainee in (one, other)]
    assert torch.equal(torch.get_rng_state(), before)
    assert losses[0] == losses[1]
    found = [parameter.grad for parameter in one.network.parameters()]
    for grad, again in zip(found, (p.grad for p in other.network.parameters()), strict=True):
        assert grad is not None and again is not None and torch.equal(grad, again)
    other.step = 1  # drops other channels
    assert find_ssim_gradient(other, images, seed=3, mixed=False) != losses[0]


def test_without_dropout_the_loss_is_one_minus_ssim(rng: torch.Generator) -> None:
    images = Undersampled(*torch.rand(2, 1, 1, 16, 12, generator=rng))
    settings = ReconResNetSettings(n_blocks=1, width=4, dropout=0.0)
    trainee = new_trainee(ReconResNet(settings), 10, rate=1e-3, decay=0.5)
    with torch.no_grad():
        expected = 1 + float(ssim_loss(trainee.network(images.seen), images.wanted))
    found = find_ssim_gradient(trainee, images, seed=0, mixed=False)
    assert abs(found - expected) < 1e-5


def test_what_is_made_is_what_the_method_makes() -> None:
    one, network = case(), drawn().network
    made = made_of(network, one, phase="low")
    y = one.operator.forward(one.truth)
    for found, way in ((made.network, "none"), (made.consistent, "exact")):
        expected = reconresnet(one.operator, y, network=network, consistency=way, mu=0.0, n_cg=N_CG)  # type: ignore[arg-type]
        assert torch.equal(found, expected.image.abs())
    assert torch.equal(made.zero_filled, one.operator.adjoint(y).abs())


def test_a_network_that_came_apart_is_not_judged() -> None:
    one = case()
    with pytest.raises(DivergenceError, match="the network's image must be finite"):
        made_of(Knows(one.truth.abs() * torch.nan), one, phase="low")


def test_a_network_that_knows_the_object_is_made_right_whatever_its_unit() -> None:
    one = case()
    network = Knows(one.truth.abs())
    made = made_of(network, one, phase="low")
    assert network.passes == 1
    truth = one.truth.abs()
    assert float((made.zero_filled - truth).abs().max()) > 0.2
    for found in (made.network, made.consistent):  # the phase is told from few samples
        assert float((found - truth).abs().max()) < 0.1
    total = scores([made, made])
    assert total.ssim[0] < 0.9 < 0.95 < total.ssim[1] and total.psnr[2] > total.psnr[0] + 10
    row = judged_pattern("lines", [made])
    assert (row.before, row.after) == (total.psnr[0], total.psnr[2])
    assert row.ssim_before == total.ssim[0] and row.ssim_after == total.ssim[2]
    assert 0 < UNIT < 1 and row.mse < 1e-3

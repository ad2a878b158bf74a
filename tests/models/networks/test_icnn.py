"""Input-convex networks: sizes, the gradient written out, and what makes it a proximal operator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from proxflow.models.networks.icnn import Icnn, icnn_of
from proxflow.models.networks.icnn_layers import resizing
from proxflow.models.networks.icnn_settings import (
    LPN_COLOUR,
    LPN_DENSE,
    LPN_GREY,
    LPN_PATCH,
    LPN_SMALL,
    IcnnSettings,
)

TINY = {
    "image": IcnnSettings("image", channels=2, side=8, hidden=4, beta=5.0, alpha=0.02),
    "signed": IcnnSettings("image", channels=1, side=8, hidden=5, beta=5.0, alpha=0.02, signed=True),
    "small": IcnnSettings("small", channels=1, side=12, hidden=4, beta=10.0, alpha=0.01),
    "dense": IcnnSettings("dense", channels=3, side=1, hidden=6, beta=10.0, alpha=0.03),
}
every_kind = pytest.mark.parametrize("kind", TINY)


def inputs(settings: IcnnSettings, n: int, rng: torch.Generator) -> Tensor:
    sides = () if settings.kind == "dense" else (settings.side, settings.side)
    return torch.rand(n, settings.channels, *sides, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        (LPN_GREY, 7_175_297),
        (LPN_COLOUR, 7_235_713),
        (LPN_PATCH, 4_017_281),
        (LPN_SMALL, 317_056),
        (LPN_DENSE, 10_502),
    ],
)
def test_published_sizes(settings: IcnnSettings, count: int) -> None:
    network = Icnn(settings)
    assert sum(weight.numel() for weight in network.parameters()) == count
    if settings.kind != "dense":
        drawn = network.lin[1].weight.detach().log()
        assert float(drawn.mean()) == pytest.approx(-10, abs=0.01)
        assert float(drawn.std()) == pytest.approx(0.1, abs=0.01)


@every_kind
def test_the_gradient_is_that_of_the_potential(
    kind: str, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    network = bent(TINY[kind])
    y = inputs(TINY[kind], 3, rng).requires_grad_()
    potential = network.potential(y)
    (wanted,) = torch.autograd.grad(potential.sum(), y)
    with torch.no_grad():
        found = network.evaluated(y)
    assert not found.image.requires_grad
    torch.testing.assert_close(found.image, wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(found.potential, potential, rtol=1e-12, atol=1e-12)
    step, direction = 1e-5, torch.randn(y.shape, generator=rng, dtype=torch.float64)
    ahead, back = (network.potential(y + sign * step * direction) for sign in (1, -1))
    slope = (found.image * direction).flatten(1).sum(1)
    torch.testing.assert_close((ahead - back) / (2 * step), slope, rtol=1e-6, atol=1e-6)


@every_kind
def test_a_training_sees_the_gradients_of_a_double_backward(
    kind: str, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    network = bent(TINY[kind])
    network.requires_grad_()
    y = inputs(TINY[kind], 2, rng).requires_grad_()
    (slow,) = torch.autograd.grad(network.potential(y).sum(), y, create_graph=True)
    weights = [p for name, p in network.named_parameters() if name != f"lin.{len(network.lin) - 1}.bias"]
    wanted = torch.autograd.grad((slow - 0.3).square().sum(), weights, allow_unused=True)
    found = torch.autograd.grad((network(y) - 0.3).square().sum(), weights, allow_unused=True)
    n_used = 0
    for ours, theirs in zip(found, wanted, strict=True):
        if theirs is None:
            assert ours is None or not bool(ours.any())
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)
            n_used += 1
    assert n_used >= len(weights) - 1


@every_kind
def test_the_jacobian_is_symmetric_and_positive(
    kind: str, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    settings = TINY[kind]
    network = bent(settings)
    y = inputs(settings, 1, rng)
    n = y.numel()
    jacobian = torch.autograd.functional.jacobian(lambda v: network(v), y).view(n, n)
    assert float((jacobian - jacobian.T).norm()) < 1e-12 * float(jacobian.norm())
    columns = network.derivative(y.expand(n, *y.shape[1:]), torch.eye(n, dtype=y.dtype).view(n, *y.shape[1:]))
    torch.testing.assert_close(columns.view(n, n), jacobian, rtol=1e-10, atol=1e-12)
    least = float(torch.linalg.eigvalsh(jacobian)[0])
    assert least >= settings.strong_convexity - 1e-12
    assert float(jacobian.norm()) > 3 * settings.strong_convexity * n**0.5  # it is not alpha alone


@every_kind
def test_monotone_and_convex(kind: str, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator) -> None:
    settings = TINY[kind]
    network = bent(settings)
    a, b = (3 * inputs(settings, 50, rng) - 1 for _ in range(2))
    with torch.no_grad():
        at_a, at_b = network.evaluated(a), network.evaluated(b)
        middle = network.potential((a + b) / 2)
    square = (a - b).square().flatten(1).sum(1)
    product = ((at_a.image - at_b.image) * (a - b)).flatten(1).sum(1)
    assert bool((product >= settings.strong_convexity * square).all())
    chord = (at_a.potential + at_b.potential) / 2
    assert bool((middle <= chord - settings.alpha / 4 * square + 1e-12).all())


def test_projection_clamps_what_must_not_be_negative() -> None:
    network = Icnn(TINY["small"])
    for weight in network.parameters():
        weight.data.sub_(0.05)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    network.project_()
    for name, weight in network.named_parameters():
        clamped = name.startswith("lin.") and name != "lin.0.weight" and name.endswith("weight")
        assert torch.equal(weight, before[name].clamp(min=0) if clamped else before[name])
    assert float(before["lin.1.weight"].detach().min()) < 0 > float(network.lin[0].weight.detach().min())


@pytest.mark.parametrize(("n", "m"), [(16, 8), (28, 7), (128, 16)])
def test_resizing_is_bilinear(n: int, m: int, rng: torch.Generator) -> None:
    image = torch.rand(1, 1, n, n, generator=rng)
    matrix = resizing(n, m)
    wanted = functional.interpolate(image, size=(m, m), mode="bilinear", align_corners=False)
    torch.testing.assert_close(matrix @ image @ matrix.T, wanted)


def test_weights_that_do_not_fit_are_refused() -> None:
    settings = TINY["small"]
    tensors = dict(Icnn(settings).state_dict())
    assert torch.equal(icnn_of(tensors, settings).lin[2].weight, tensors["lin.2.weight"])
    tensors["lin.2.weight"] = tensors["lin.2.weight"] - 1.0
    with pytest.raises(ValueError, match=r"lin.2.weight must be at least 0, got -"):
        icnn_of(tensors, settings)
    with pytest.raises(ValueError, match=r"y must have axes \(n, 1, 12, 12\), got \(1, 1, 8, 8\)"):
        Icnn(settings)(torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"side": 20}, "side must be a multiple of 8, got 20"),
        ({"beta": 0.0}, "beta must be positive, got 0.0"),
        ({"alpha": -1.0}, "alpha must be at least 0, got -1.0"),
        ({"kind": "dense"}, "side must be 1 for a dense network, got 128"),
        ({"kind": "wide"}, "kind must be image, small or dense, got 'wide'"),
        ({"hidden": 0}, "channels, side and hidden must be at least 1, got 1, 128 and 0"),
    ],
)
def test_settings_of_no_network_are_refused(wrong: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        IcnnSettings(**wrong)

"""Another alpha: the same network but for its square."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_alpha import with_alpha
from proxflow.models.networks.icnn_settings import IcnnSettings

KINDS = {
    "image": IcnnSettings("image", channels=2, side=8, hidden=4, beta=5.0, alpha=0.02),
    "small": IcnnSettings("small", side=12, hidden=4, beta=10.0, alpha=0.01),
    "dense": IcnnSettings("dense", channels=3, side=1, hidden=6, beta=10.0, alpha=0.0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_f_moves_shrinks_and_the_rest_stays(
    kind: str, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    """f(y) - y = c (f_0(y) - y), in double precision."""
    network = bent(KINDS[kind])
    settings = network.settings
    sides = () if kind == "dense" else (settings.side, settings.side)
    y = torch.rand(3, settings.channels, *sides, generator=rng, dtype=torch.float64)
    made = with_alpha(network, 0.2)
    shrunk = 0.6 / (1 - 2 * settings.alpha)
    torch.testing.assert_close(made(y) - y, shrunk * (network(y) - y), atol=1e-12, rtol=1e-12)
    assert made.settings.alpha == 0.2


def test_alphas_of_half_and_more_are_refused(bent: Callable[[IcnnSettings], Icnn]) -> None:
    with pytest.raises(ValueError, match=r"alpha must be below 0\.5, got 0\.02 and 0\.5"):
        with_alpha(bent(KINDS["image"]), 0.5)

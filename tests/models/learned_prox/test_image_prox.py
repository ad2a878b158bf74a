"""A learned proximal operator in the unit of an iterate, of complex images, volumes and supports."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proxflow.models.learned_prox.image_prox import ImageProx, prior_value
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings

UNITS = torch.tensor([2.0, 5.0], dtype=torch.float64)


@pytest.fixture
def prox(bent: Callable[[IcnnSettings], Icnn]) -> NetworkProx:
    settings = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)
    return NetworkProx(bent(settings), stride=8)


def test_volumes_are_shrunk_in_their_unit_slice_by_slice(prox: NetworkProx, rng: torch.Generator) -> None:
    v = torch.rand(2, 3, 7, 5, dtype=torch.float64, generator=rng)
    found = ImageProx(prox, UNITS)(v)
    for item, unit in enumerate(UNITS):
        slices = v[item][:, None] / unit
        image, psi = prox.evaluated(slices)
        torch.testing.assert_close(found.image[item], unit * image[:, 0])
        wanted = unit**2 * prior_value(image, slices, psi).sum()
        torch.testing.assert_close(found.prior[item], wanted)
    assert not bool(found.clipped.any())


def test_a_support_keeps_the_jacobian_symmetric(prox: NetworkProx, rng: torch.Generator) -> None:
    seen = torch.rand(7, 5, generator=rng) > 0.3
    shrink = ImageProx(prox, torch.ones(1, dtype=torch.float64), seen)
    v = torch.rand(1, 7, 5, dtype=torch.float64, generator=rng)
    assert torch.equal(shrink(v).image[0] != 0, seen)
    step = 1e-5
    columns = [
        (shrink(v + step * e.view(1, 7, 5)).image - shrink(v - step * e.view(1, 7, 5)).image) / (2 * step)
        for e in torch.eye(35, dtype=torch.float64)
    ]
    jacobian = torch.stack(columns).view(35, 35)
    torch.testing.assert_close(jacobian, jacobian.T, rtol=1e-6, atol=1e-6)
    assert float(jacobian.norm()) > 0.1


@pytest.mark.parametrize("channels", [1, 2])
def test_the_prior_with_a_support_is_that_of_the_image(
    channels: int, bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator
) -> None:
    """R(x) + 1/2 ||x||^2 - <x, v> is minus a potential whose gradient in v is x."""
    settings = IcnnSettings("small", channels=channels, side=8, hidden=3, beta=10.0, alpha=0.01)
    support = torch.rand(7, 5, generator=rng) > 0.3
    dtype = torch.float64 if channels == 1 else torch.complex128
    v = torch.randn(1, 7, 5, dtype=dtype, generator=rng)
    shrink = ImageProx(NetworkProx(bent(settings), stride=8), UNITS[:1], support)

    def parts(x: Tensor) -> Tensor:
        return torch.view_as_real(x) if x.is_complex() else x

    def potential(at: Tensor) -> Tensor:
        found = shrink(at if channels == 1 else torch.view_as_complex(at))
        x = parts(found.image)
        return found.prior[0] + x.square().sum() / 2 - (x * at).sum()

    at, step = parts(v), 1e-5
    moves = step * torch.eye(at.numel(), dtype=torch.float64).view(-1, *at.shape)
    slopes = torch.stack([potential(at + move) - potential(at - move) for move in moves]) / (2 * step)
    torch.testing.assert_close(-slopes.view(at.shape), parts(shrink(v).image), rtol=1e-6, atol=1e-7)


def test_what_a_support_takes_away_is_not_clipped(prox: NetworkProx, rng: torch.Generator) -> None:
    support = torch.rand(7, 5, generator=rng) > 0.3
    v = torch.randn(2, 7, 5, dtype=torch.complex128, generator=rng)
    scale = UNITS[:, None, None]
    below = (prox((v.abs() * support / scale)[:, None])[:, 0] * scale).clamp_max(0).square()
    assert bool((below * ~support).any())
    found = ImageProx(prox, UNITS, support)(v)
    torch.testing.assert_close(found.clipped, (below * support).sum((-2, -1)))


def test_magnitudes_are_shrunk_phases_stay_and_what_is_clipped_is_told(
    prox: NetworkProx, rng: torch.Generator
) -> None:
    v = torch.randn(2, 7, 5, dtype=torch.complex128, generator=rng)
    found = ImageProx(prox, UNITS)(v)
    scale = UNITS[:, None, None]
    made = prox((v.abs() / scale)[:, None])[:, 0] * scale
    assert bool((made < 0).any())
    torch.testing.assert_close(found.image, made.clamp_min(0) * torch.exp(1j * v.angle()))
    torch.testing.assert_close(found.clipped, made.clamp_max(0).square().sum((-2, -1)))


@pytest.mark.parametrize(
    ("batch", "domain"), [((), (9, 7)), ((3,), (9, 7)), ((), (6, 9, 7)), ((2, 3), (9, 7))]
)
def test_colour_networks_take_no_axis_of_items_or_slices_for_colours(
    batch: tuple[int, ...], domain: tuple[int, ...], bent: Callable[[IcnnSettings], Icnn]
) -> None:
    colours = NetworkProx(bent(IcnnSettings("small", channels=3, side=8, hidden=2, beta=10.0, alpha=0.01)))
    shrink = ImageProx(colours, torch.ones(batch, dtype=torch.float64))
    sentence = f"prox must be for images {domain}, got a network of colour images (3, y, x)"
    with pytest.raises(UnsuitableError, match=re.escape(sentence)):
        shrink(torch.ones(*batch, *domain, dtype=torch.float64))
    assert shrink(torch.ones(*batch, 3, 8, 8, dtype=torch.float64)).prior.shape == batch


def test_parts_are_two_channels(bent: Callable[[IcnnSettings], Icnn], rng: torch.Generator) -> None:
    settings = IcnnSettings("small", channels=2, side=8, hidden=3, beta=10.0, alpha=0.01)
    prox = NetworkProx(bent(settings), stride=8)
    v = torch.randn(2, 7, 5, dtype=torch.complex128, generator=rng)

    def parts(x: Tensor) -> Tensor:
        return torch.stack([x.real, x.imag], 1)

    found = ImageProx(prox, torch.ones(2, dtype=torch.float64))(v)
    image, psi = prox.evaluated(parts(v))
    torch.testing.assert_close(parts(found.image), image)
    torch.testing.assert_close(found.prior, prior_value(image, parts(v), psi))

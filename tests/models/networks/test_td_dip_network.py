import math

import pytest
import torch
from torch import Tensor, nn

from proxflow.models.networks.td_dip import TdDipNetwork, doubled_convolution, helix


def published(network: TdDipNetwork, weights: Tensor, n_channels: int) -> nn.Module:
    """The same network of torch's layers."""
    h, w = network.base
    layers: list[nn.Module] = [
        nn.Linear(3, 512),
        nn.ReLU(),
        nn.Linear(512, h * w),
        nn.Unflatten(1, (1, h, w)),
    ]
    n_from = 1
    for block in range(10):
        if block >= 2 and block % 2 == 0:
            layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
        layers.append(nn.Conv2d(n_from, n_channels, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(n_channels), nn.ReLU()]
        n_from = n_channels
    layers.append(nn.Conv2d(n_from, network.n_out, 3, padding=1, bias=False))
    made = nn.Sequential(*layers).double()
    for parameter, part in zip(made.parameters(), network.parts(weights), strict=True):
        parameter.data = part.clone()
    return made


@pytest.mark.parametrize(("shape", "base"), [((32, 32), (2, 2)), ((9, 50), (2, 4))])
def test_equals_the_published_layers(shape: tuple[int, int], base: tuple[int, int], rng: torch.Generator):
    network = TdDipNetwork(shape, 2, n_channels=5)
    assert network.base == base
    weights = network.initial(rng, torch.float64)
    for part in network.parts(weights)[5:-1]:
        if part.ndim == 1:  # scales and shifts start at 1 and 0, which would hide a swap
            part += torch.randn(part.shape, generator=rng, dtype=torch.float64)
    points = helix(3, 1.5)
    whole = published(network, weights, 5)
    for point in points:
        found = network.frame(weights, point)
        assert found.shape == (2, *shape)
        torch.testing.assert_close(found, whole(point[None])[0, :, : shape[0], : shape[1]])


def test_at_128_it_is_of_the_published_size() -> None:
    network = TdDipNetwork((128, 128), 2)
    assert network.base == (8, 8)
    convolutions = 9 * 128 + 9 * 9 * 128 * 128 + 9 * 128 * 2
    count = 4 * 512 + 513 * 64 + convolutions + 10 * 2 * 128
    assert network.initial(torch.Generator(), torch.float32).shape == (count,)


def test_doubled_convolution_is_one_of_the_doubled_image(rng: torch.Generator) -> None:
    x = torch.randn(1, 3, 4, 5, dtype=torch.float64, generator=rng)
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64, generator=rng)
    doubled = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
    expected = nn.functional.conv2d(doubled, weight, padding=1)
    torch.testing.assert_close(doubled_convolution(x, weight), expected)


def test_first_weights_are_those_of_torchs_layers(rng: torch.Generator) -> None:
    network = TdDipNetwork((32, 32), 1, n_channels=16)
    parts = network.parts(network.initial(rng, torch.float64))
    for part, inputs in (
        (parts[0], 3),
        (parts[1], 3),
        (parts[2], 512),
        (parts[7], 16 * 9),
        (parts[-1], 16 * 9),
    ):
        bound = inputs**-0.5
        assert part.abs().max() <= bound
        assert float(part.std()) == pytest.approx(bound / math.sqrt(3), rel=0.15)
    assert (parts[5] == 1).all() and (parts[6] == 0).all()


def test_helix() -> None:
    path = helix(9, 2)
    torch.testing.assert_close(path[:, 2], torch.linspace(0, 1, 9, dtype=torch.float64))
    torch.testing.assert_close(path[::4, :2], torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(3, 2))
    torch.testing.assert_close(path[1, :2], torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert (helix(4, 0)[:, :2] == torch.tensor([1.0, 0.0])).all()

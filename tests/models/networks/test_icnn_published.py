"""State dicts of the authors' networks: sizes are read off their shapes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_published import published_icnn_of
from proxflow.models.networks.icnn_settings import LPN_COLOUR, LPN_PATCH, LPN_SMALL, IcnnSettings


def weights(settings: IcnnSettings) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return Icnn(settings).state_dict()


@pytest.mark.parametrize("settings", [LPN_COLOUR, LPN_PATCH], ids=["colour", "patch"])
def test_sizes_are_read_off_the_shapes(settings: IcnnSettings) -> None:
    narrow = replace(settings, hidden=2)
    tensors = weights(narrow)
    found = published_icnn_of(tensors)
    assert found.settings == narrow
    assert all(torch.equal(value, tensors[name]) for name, value in found.state_dict().items())


def test_linear_layers_of_the_small_network_are_convolutions(rng: torch.Generator) -> None:
    narrow = replace(LPN_SMALL, hidden=3)
    tensors = weights(narrow)
    linear = tensors | {name: tensors[name].flatten(1) for name in ("lin.4.weight", "res.3.weight")}
    assert linear["lin.4.weight"].shape == (64, 3 * 49) and linear["res.3.weight"].shape == (64, 49)
    found, images = published_icnn_of(linear), torch.rand(2, 1, 28, 28, generator=rng)
    assert found.settings == narrow
    with torch.no_grad():
        flat = torch.rand(2, 3 * 49, generator=rng)
        kernel = found.get_parameter("lin.4.weight")
        applied = torch.nn.functional.conv2d(flat.view(2, 3, 7, 7), kernel)[..., 0, 0]
        torch.testing.assert_close(applied, flat @ linear["lin.4.weight"].T)
        torch.testing.assert_close(found(images), published_icnn_of(tensors)(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lin.0.weight": None}, "lin.0.weight must be that of a convolution, got none"),
        (
            {"lin.0.weight": torch.ones(3, 1)},
            r"lin.0.weight must be that of a convolution, got shape \(3, 1\)",
        ),
        ({"lin.7.weight": None}, "weights must be of 8 or 6 layers .lin., got 7"),
        ({"lin.6.weight": torch.ones(64, 7)}, r"lin.6.weight must see 2 square images, got shape \(64, 7\)"),
        ({"lin.6.weight": torch.ones(64)}, "lin.6.weight must see all pixels, got 1 axes"),
        ({"res.2.bias": None}, "got res.2.bias missing"),
        ({"res.2.bias": torch.ones(5)}, r"res.2.bias must have shape \(2,\), got \(5,\)"),
        ({"lin.3.weight": -torch.ones(2, 2, 3, 3)}, "lin.3.weight must be at least 0, got -1"),
    ],
)
def test_other_networks_are_refused(changed: dict[str, Tensor | None], words: str) -> None:
    tensors: dict[str, Tensor | None] = {**weights(IcnnSettings(side=16, hidden=2)), **changed}
    with pytest.raises(ValueError, match=words):
        published_icnn_of({name: value for name, value in tensors.items() if value is not None})

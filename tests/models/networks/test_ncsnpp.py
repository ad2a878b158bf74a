"""NCSN++: the layout of the published weights, the numbers of the published code, and each of its parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proxflow.models.networks.ncsnpp import OFFICIAL, NCSNpp, NCSNppSettings, ncsnpp_layout, ncsnpp_of
from proxflow.models.networks.ncsnpp_blocks import AttentionBlock, FourierFeatures, ResidualBlock

SMALL = NCSNppSettings(channels=8, multipliers=(1, 2, 2), n_blocks=1, image_size=16, attention_sides=(8,))

# Of the official settings, as the authors' modules in their order give them.
PUBLISHED = {
    "all_modules.0.W": (128,),
    "all_modules.1.weight": (512, 256),
    "all_modules.2.bias": (512,),
    "all_modules.3.weight": (128, 1, 3, 3),
    "all_modules.4.GroupNorm_0.weight": (128,),
    "all_modules.4.Dense_0.weight": (128, 512),
    "all_modules.8.Conv_2.weight": (128, 128, 1, 1),
    "all_modules.9.Conv2d_0.weight": (128, 1, 3, 3),
    "all_modules.10.Conv_0.weight": (256, 128, 3, 3),
    "all_modules.15.Conv2d_0.weight": (256, 128, 3, 3),
    "all_modules.21.Conv2d_0.bias": (256,),
    "all_modules.25.Conv_1.weight": (256, 256, 3, 3),
    "all_modules.27.NIN_3.W": (256, 256),
    "all_modules.27.NIN_0.b": (256,),
    "all_modules.29.GroupNorm_0.weight": (512,),
    "all_modules.34.Conv_2.bias": (256,),
    "all_modules.45.Conv_0.weight": (256, 384, 3, 3),
    "all_modules.47.Conv_2.weight": (128, 384, 1, 1),
    "all_modules.51.GroupNorm_1.bias": (128,),
    "all_modules.52.weight": (128,),
    "all_modules.53.weight": (1, 128, 3, 3),
}


def by_rule(network: NCSNpp) -> NCSNpp:
    """Weights without a generator, so that other code can be given the same."""
    for i, weight in enumerate(network.double().parameters()):
        fan = 4 if weight.ndim < 2 else weight.numel() / weight.shape[0]
        k = torch.arange(weight.numel(), dtype=torch.float64)
        weight.data = (torch.cos(1.3 * k * k + 0.7 * i) / math.sqrt(fan)).view(weight.shape)
    return network.eval()


def places(layout: dict[str, tuple[int, ...]], part: str) -> list[int]:
    return sorted({int(name.split(".")[1]) for name in layout if part in name})


def test_the_official_layout_is_the_published_one() -> None:
    layout = ncsnpp_layout(OFFICIAL)
    assert PUBLISHED.items() <= layout.items()
    assert len(layout) == 521 and places(layout, "") == list(range(54))
    assert sum(math.prod(shape) for shape in layout.values()) == 61_433_473 + 128
    assert places(layout, "NIN_") == [27]  # the bottleneck alone: no level is 16 pixels wide
    assert places(layout, "Conv2d_0") == [9, 15, 21]
    assert places(layout, "Conv_2") == [8, 10, 14, 20, *range(29, 52)]
    assert [name.removeprefix("all_modules.") for name in layout][:3] == ["0.W", "1.weight", "1.bias"]
    # Averages in a checkpoint go by order, so the order within a block counts too.
    block = [name.removeprefix("all_modules.29.") for name in layout if name.startswith("all_modules.29.")]
    parts = ("GroupNorm_0", "Conv_0", "Dense_0", "GroupNorm_1", "Conv_1", "Conv_2")
    assert block == [f"{part}.{kind}" for part in parts for kind in ("weight", "bias")]
    assert ncsnpp_layout(NCSNppSettings(image_size=256)) == layout


def test_only_the_frequencies_are_frozen_and_nothing_else_is_kept() -> None:
    network = NCSNpp(SMALL)
    assert [name for name, p in network.named_parameters() if not p.requires_grad] == ["all_modules.0.W"]
    assert list(network.state_dict()) == list(ncsnpp_layout(SMALL))


def test_levels_of_the_named_side_have_attention() -> None:
    layout = ncsnpp_layout(SMALL)
    # 4 block, 5 down, 6 pyramid; 7 block, 8 attention, 9 down, 10 pyramid; 11 block; bottleneck 12 to 14;
    # up 15, 16, 17; 18, 19, attention 20, up 21; 22, 23; 24 norm, 25 convolution
    assert places(layout, "NIN_") == [8, 13, 20] and places(layout, "Conv2d_0") == [6, 10]
    assert places(layout, "")[-1] == 25
    assert layout["all_modules.22.Conv_0.weight"] == (8, 24, 3, 3)


def test_it_computes_what_the_published_code_does() -> None:
    x = torch.cos(torch.arange(2 * 24 * 16, dtype=torch.float64) ** 2).view(2, 1, 24, 16)
    with torch.no_grad():
        score = by_rule(NCSNpp(SMALL)).score(x, torch.tensor([0.5, 40.0], dtype=torch.float64))
    # The authors' code with these weights and this image, float64, computed once.
    pixels = [[1.011970038, 1.023774510, 1.319989853], [0.011358564, 0.013278288, 0.013122552]]
    expected = torch.tensor(pixels, dtype=torch.float64)
    torch.testing.assert_close(score[:, 0, [0, 11, 23], [0, 7, 15]], expected, rtol=1e-6, atol=1e-9)
    rms = score.square().mean(dim=(1, 2, 3)).sqrt()
    torch.testing.assert_close(rms, torch.tensor([1.189000369, 0.014860172]).double(), rtol=1e-6, atol=1e-9)


def test_every_trained_weight_counts() -> None:
    network = by_rule(NCSNpp(SMALL))
    x = torch.cos(torch.arange(24.0 * 16).double() ** 2).view(1, 1, 24, 16)
    network.score(x, torch.tensor([0.3]).double()).square().sum().backward()
    idle = [
        name
        for name, weight in network.named_parameters()
        if weight.requires_grad and (weight.grad is None or float(weight.grad.abs().max()) < 1e-12)
    ]
    assert [name for name in idle if not name.endswith("NIN_1.b")] == []  # softmax forgets what keys share


def test_fourier_features_are_sines_then_cosines_of_turns() -> None:
    features = FourierFeatures(3, 16.0)
    features.W.data = torch.tensor([0.25, 1.0, -0.5])
    out = features(torch.tensor([1.0, 0.5]))
    expected = torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0, -1.0], [math.sqrt(0.5), 0, -1, math.sqrt(0.5), -1, 0]])
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-6)
    torch.manual_seed(0)
    assert float(FourierFeatures(4096, 16.0).W.std()) == pytest.approx(16, rel=0.05)


def test_the_embedding_is_of_the_logarithm_and_the_output_divided_by_sigma(rng: torch.Generator) -> None:
    network, x = by_rule(NCSNpp(SMALL)), torch.rand(1, 1, 16, 16, dtype=torch.float64, generator=rng)
    seen: list[Tensor] = []
    network.all_modules[0].register_forward_hook(lambda layer, given, out: seen.append(given[0]))
    network.all_modules[3].register_forward_hook(lambda layer, given, out: seen.append(given[0]))
    sigma = torch.tensor([0.02, 300.0], dtype=torch.float64)
    with torch.no_grad():
        network.score(x.expand(2, 1, 16, 16), sigma)
        torch.testing.assert_close(seen[0], sigma.log())
        torch.testing.assert_close(seen[1], 2 * x.expand(2, 1, 16, 16) - 1)
        network.all_modules[0].W.zero_()  # the network then does not see sigma
        low, high = network.score(x.expand(2, 1, 16, 16), sigma)
    torch.testing.assert_close(low * 0.02, high * 300)


def test_skip_connections_are_divided_by_the_root_of_two(rng: torch.Generator) -> None:
    x, e = torch.randn(2, 8, 5, 3, generator=rng), torch.randn(2, 32, generator=rng)
    block, attention = ResidualBlock(8, 8, 32), AttentionBlock(8)
    nn.init.zeros_(block.Conv_1.weight)
    nn.init.zeros_(attention.NIN_3.W)
    torch.testing.assert_close(block(x, e), x / math.sqrt(2))
    torch.testing.assert_close(attention(x), x / math.sqrt(2))


def test_attention_is_over_all_pixels_with_one_head(rng: torch.Generator) -> None:
    attention, x = AttentionBlock(4).double(), torch.randn(1, 4, 3, 2, dtype=torch.float64, generator=rng)
    for weight in attention.parameters():
        weight.data = torch.randn(weight.shape, dtype=torch.float64, generator=rng)
    state = {name: value.numpy() for name, value in attention.state_dict().items()}
    flat = x[0].reshape(4, 6).numpy()  # one group of four channels
    normal = (flat - flat.mean()) / np.sqrt(flat.var() + 1e-6)
    normal = normal * state["GroupNorm_0.weight"][:, None] + state["GroupNorm_0.bias"][:, None]
    q, k, v = (state[f"NIN_{i}.W"].T @ normal + state[f"NIN_{i}.b"][:, None] for i in range(3))
    share = np.exp(q.T @ k / 2)
    share /= share.sum(axis=1, keepdims=True)
    out = state["NIN_3.W"].T @ (v @ share.T) + state["NIN_3.b"][:, None]
    expected = torch.from_numpy((flat + out) / math.sqrt(2)).view(1, 4, 3, 2)
    torch.testing.assert_close(attention(x), expected)


@pytest.mark.parametrize("shape", [(13, 10), (4, 23), (16, 8)])
def test_other_sides_are_mirrored_and_cropped(shape: tuple[int, int], rng: torch.Generator) -> None:
    network, sigma = by_rule(NCSNpp(SMALL)), torch.tensor([0.3]).double()
    x = torch.rand(1, 1, *shape, dtype=torch.float64, generator=rng)
    more = [-n % 4 for n in shape]
    sides = [(m // 2, m - m // 2) for m in more]
    whole = torch.from_numpy(np.pad(x[0, 0].numpy(), sides, mode="reflect"))[None, None]
    with torch.no_grad():
        expected, score = network(whole, sigma), network.score(x, sigma)
    (top, _), (left, _) = sides
    torch.testing.assert_close(score, expected[..., top : top + shape[0], left : left + shape[1]])
    assert score.shape == x.shape


@pytest.mark.parametrize(
    ("shape", "n", "words"),
    [
        ((1, 2, 8, 8), 1, r"x must have shape \(n, 1, y, x\), got \(1, 2, 8, 8\)"),
        ((8, 8), 8, "x must have shape"),
        ((2, 1, 8, 8), 1, r"sigma must have shape \(2,\), got \(1,\)"),
        ((1, 1, 8, 3), 1, "x must have sides of at least 4 pixels, got 8 x 3"),
    ],
)
def test_other_shapes_are_refused(shape: tuple[int, ...], n: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NCSNpp(SMALL).score(torch.zeros(shape), torch.ones(n))


def test_weights_make_the_same_network_and_others_are_refused() -> None:
    network, x = by_rule(NCSNpp(SMALL)).float(), torch.rand(1, 1, 8, 12)
    sigma = torch.tensor([2.0])
    with torch.no_grad():
        again = ncsnpp_of(network.state_dict(), SMALL).score(x, sigma)
        torch.testing.assert_close(again, network.score(x, sigma), rtol=0, atol=0)
    with pytest.raises(ValueError, match=r"NCSNpp, got all_modules.10.Conv2d_0.bias unexpected"):
        ncsnpp_of(network.state_dict(), NCSNppSettings(8, (1, 2), 1, image_size=16))
    with pytest.raises(ValueError, match="channels must be a multiple of 4, got 6"):
        NCSNpp(NCSNppSettings(channels=6))

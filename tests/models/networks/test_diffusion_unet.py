"""The diffusion U-Net: names, shapes, arithmetic, sides of any length, precisions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.diffusion_blocks import time_embedding
from proxflow.models.networks.diffusion_settings import (
    OFFICIAL_CT_256,
    OFFICIAL_MRI_320,
    SMALL,
    DiffusionUnetSettings,
)
from proxflow.models.networks.diffusion_unet import DiffusionUnet, diffusion_unet_of

TINY = DiffusionUnetSettings(None, 2, 4, 32, (1, 2), 1, (2,), head_channels=32)

Shapes = dict[str, tuple[int, ...]]


def random_unet(settings: DiffusionUnetSettings, rng: torch.Generator) -> DiffusionUnet:
    """Weights as of a trained network: none zero."""
    network = DiffusionUnet(settings).eval()
    for parameter in network.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng) / math.sqrt(parameter[0].numel()))
    return network.requires_grad_(False)


def both(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def res_block(name: str, n_in: int, n_out: int) -> Shapes:
    named = both(f"{name}.in_layers.0", n_in) | both(f"{name}.in_layers.2", n_out, n_in, 3, 3)
    named |= both(f"{name}.emb_layers.1", 2 * n_out, 1024) | both(f"{name}.out_layers.0", n_out)
    named |= both(f"{name}.out_layers.3", n_out, n_out, 3, 3)
    return named if n_in == n_out else named | both(f"{name}.skip_connection", n_out, n_in, 1, 1)


def attention(name: str, n: int) -> Shapes:
    return both(f"{name}.norm", n) | both(f"{name}.qkv", 3 * n, n, 1) | both(f"{name}.proj_out", n, n, 1)


def published(n_in: int, attended: bool) -> Shapes:
    """Names and shapes of the checkpoints of DDS."""
    named = both("time_embed.0", 1024, 256) | both("time_embed.2", 1024, 1024)
    named |= both("input_blocks.0.0", 256, n_in, 3, 3)
    widths = {1: 256, 3: 256, 5: 512, 7: 512, 9: 1024, 11: 1024}
    before = 256
    for i, width in widths.items():
        named |= res_block(f"input_blocks.{i}.0", before, width)
        before = width
    for i, width in {2: 256, 4: 256, 6: 512, 8: 512, 10: 1024}.items():
        named |= res_block(f"input_blocks.{i}.0", width, width)
    named |= res_block("middle_block.0", 1024, 1024) | attention("middle_block.1", 1024)
    named |= res_block("middle_block.2", 1024, 1024)
    outs = [1024, 1024, 1024, 1024, 512, 512, 512, 512, 256, 256, 256, 256]
    skips = [1024, 1024, 1024, 512, 512, 512, 512, 256, 256, 256, 256, 256]
    for i, (current, skip, out) in enumerate(zip([1024, *outs[:-1]], skips, outs, strict=True)):
        named |= res_block(f"output_blocks.{i}.0", current + skip, out)
    for i in (1, 3, 5, 7, 9):
        named |= res_block(f"output_blocks.{i}.{2 if attended and i == 3 else 1}", outs[i], outs[i])
    for block in ("input_blocks.9.1", "output_blocks.2.1", "output_blocks.3.1") if attended else ():
        named |= attention(block, 1024)
    return named | both("out.0", 256) | both("out.2", 2 * n_in, 256, 3, 3)


@pytest.mark.parametrize(
    ("settings", "n_in", "attended", "n_tensors", "millions"),
    [(OFFICIAL_CT_256, 1, True, 362, 374.02), (OFFICIAL_MRI_320, 2, False, 344, 361.43)],
)
def test_names_and_shapes_are_the_published_ones(
    settings: DiffusionUnetSettings, n_in: int, attended: bool, n_tensors: int, millions: float
) -> None:
    with torch.device("meta"):
        state = DiffusionUnet(settings).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == published(n_in, attended)
    assert len(state) == n_tensors
    assert round(sum(tensor.numel() for tensor in state.values()) / 1e6, 2) == millions


def test_the_small_one_has_3_7_million_parameters() -> None:
    for channels, count in ((2, 3_704_994), (1, 3_704_417)):
        with torch.device("meta"):
            network = DiffusionUnet(replace(SMALL, in_channels=channels, out_channels=channels))
        assert sum(parameter.numel() for parameter in network.parameters()) == count


def plain_tiny(weights: dict[str, Tensor], x: Tensor, t: Tensor) -> Tensor:
    """TINY block by block from its weights, sides even."""

    def pair(name: str) -> tuple[Tensor, Tensor]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def normed(name: str, h: Tensor) -> Tensor:
        return functional.group_norm(h, 32, *pair(name))

    def conv(name: str, h: Tensor) -> Tensor:
        return functional.conv2d(h, *pair(name), padding=1)

    def res(name: str, h: Tensor, resampled: Any = lambda h: h) -> Tensor:
        inner = conv(f"{name}.in_layers.2", resampled(functional.silu(normed(f"{name}.in_layers.0", h))))
        told = functional.linear(functional.silu(e), *pair(f"{name}.emb_layers.1"))[:, :, None, None]
        scale, shift = told.chunk(2, dim=1)
        inner = normed(f"{name}.out_layers.0", inner) * (1 + scale) + shift
        h = resampled(h)
        if f"{name}.skip_connection.weight" in weights:
            h = functional.conv2d(h, *pair(f"{name}.skip_connection"))
        return h + conv(f"{name}.out_layers.3", functional.silu(inner))

    def attend(name: str, h: Tensor) -> Tensor:
        qkv = functional.conv1d(normed(f"{name}.norm", h).flatten(2), *pair(f"{name}.qkv"))
        by_head = qkv.unflatten(1, (-1, 3, TINY.head_channels)).transpose(-1, -2)
        mixed = functional.scaled_dot_product_attention(*by_head.unbind(2)).transpose(-1, -2).flatten(1, 2)
        return h + functional.conv1d(mixed, *pair(f"{name}.proj_out")).view(h.shape)

    def down(h: Tensor) -> Tensor:
        return functional.avg_pool2d(h, 2)

    def up(h: Tensor) -> Tensor:
        return functional.interpolate(h, scale_factor=2.0)

    e = functional.linear(time_embedding(t, 32), *pair("time_embed.0"))
    e = functional.linear(functional.silu(e), *pair("time_embed.2"))
    h0 = conv("input_blocks.0.0", x)
    h1 = res("input_blocks.1.0", h0)
    h2 = res("input_blocks.2.0", h1, down)
    h3 = attend("input_blocks.3.1", res("input_blocks.3.0", h2))
    h = res("middle_block.2", attend("middle_block.1", res("middle_block.0", h3)))
    h = attend("output_blocks.0.1", res("output_blocks.0.0", torch.cat([h, h3], 1)))
    h = attend("output_blocks.1.1", res("output_blocks.1.0", torch.cat([h, h2], 1)))
    h = res("output_blocks.1.2", h, up)
    h = res("output_blocks.2.0", torch.cat([h, h1], 1))
    h = res("output_blocks.3.0", torch.cat([h, h0], 1))
    return conv("out.2", functional.silu(normed("out.0", h)))


def test_it_computes_what_its_parts_compute_in_order(rng: torch.Generator) -> None:
    network = random_unet(TINY, rng).double()
    x = torch.randn(2, 2, 6, 4, dtype=torch.float64, generator=rng)
    t = torch.tensor([3.0, 731.0], dtype=torch.float64)
    found = network(x, t)
    torch.testing.assert_close(found, plain_tiny(dict(network.named_parameters()), x, t))
    torch.testing.assert_close(network.predict(x, t), found[:, :2], rtol=0, atol=0)
    torch.testing.assert_close(network(x[1:], t[1:])[0], found[1])  # each image has its own time
    assert (network(x, t + 100) - found).abs().max() > 0.01


def test_a_new_network_returns_zeros() -> None:
    out = DiffusionUnet(TINY)(torch.randn(1, 2, 4, 4), torch.tensor([10.0]))
    assert out.shape == (1, 4, 4, 4) and not out.any()


@pytest.mark.parametrize("sides", [(13, 18), (8, 9), (1, 5), (3, 2)])
def test_other_sides_are_reflected_and_cropped(sides: tuple[int, int], rng: torch.Generator) -> None:
    network = random_unet(replace(TINY, multipliers=(1, 1, 2, 2), attention_factors=()), rng)
    x, t = torch.randn(1, 2, *sides, generator=rng), torch.tensor([400.0])
    missing = [-n % 8 for n in sides]
    added = [(n // 2, n - n // 2) for n in missing]
    whole = torch.from_numpy(np.pad(x.numpy(), [(0, 0), (0, 0), *added], mode="reflect"))
    (top, _), (left, _) = added
    found = network(x, t)
    assert found.shape == (1, 4, *sides)
    torch.testing.assert_close(
        found, network(whole, t)[..., top : top + sides[0], left : left + sides[1]], rtol=0, atol=0
    )


class Dtypes(TorchDispatchMode):
    """Collects the dtypes of what operations are given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, set[torch.dtype]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if args and isinstance(args[0], Tensor):
            self.seen.setdefault(func.overloadpacket.__name__, set()).add(args[0].dtype)
        return func(*args, **(kwargs or {}))


def test_channels_last_and_bfloat16_change_little(rng: torch.Generator) -> None:
    network = random_unet(TINY, rng)
    x, t = torch.randn(2, 2, 11, 14, generator=rng), torch.tensor([20.0, 600.0])
    expected = network(x, t)
    ordered = channels_last(network)(x.contiguous(memory_format=torch.channels_last), t)
    torch.testing.assert_close(ordered, expected, rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16), Dtypes() as dtypes:
        mixed = network(x, t)
    assert mixed.dtype == torch.float32
    error = (mixed - expected).norm() / expected.norm()
    assert 1e-4 < error < 0.02  # a step of bfloat16 is 2^-8 = 0.004 of a number
    assert dtypes.seen["convolution"] == {torch.bfloat16}
    assert dtypes.seen["native_group_norm"] == {torch.float32}


@pytest.mark.parametrize(
    ("x", "t", "words"),
    [
        ((1, 1, 8, 8), (1,), r"x must be \(n, 2, y, x\), got \(1, 1, 8, 8\)"),
        ((2, 8, 8), (1,), r"x must be \(n, 2, y, x\), got \(2, 8, 8\)"),
        ((1, 2, 0, 8), (1,), r"x must be \(n, 2, y, x\), got \(1, 2, 0, 8\)"),
        ((2, 2, 8, 8), (1,), r"t must have shape \(2,\), got \(1,\)"),
        ((2, 2, 8, 8), (), r"t must have shape \(2,\), got \(\)"),
    ],
)
def test_other_shapes_are_refused(x: tuple[int, ...], t: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DiffusionUnet(TINY)(torch.zeros(x), torch.zeros(t))


def test_weights_make_the_same_network_and_others_are_refused(rng: torch.Generator) -> None:
    network = random_unet(TINY, rng)
    x, t = torch.randn(1, 2, 4, 6, generator=rng), torch.tensor([77.0])
    state = network.state_dict()
    again = diffusion_unet_of(state, TINY)
    torch.testing.assert_close(again(x, t), network(x, t), rtol=0, atol=0)
    assert again.out[2].bias.data_ptr() == state["out.2.bias"].data_ptr() and not again.training
    for change, words in (
        ({"input_blocks.2.0.op.weight": torch.zeros(1)}, r"input_blocks.2.0.op.weight unexpected"),
        ({"label_emb.weight": torch.zeros(1)}, "label_emb.weight unexpected"),
        ({"out.2.bias": torch.zeros(3)}, r"out.2.bias must have shape \(4,\), got \(3,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            diffusion_unet_of(state | change)
    for name in ("middle_block.1.qkv.bias", "output_blocks.1.2.in_layers.0.weight", "time_embed.2.bias"):
        with pytest.raises(ValueError, match=f"{name} missing"):
            diffusion_unet_of({key: tensor for key, tensor in state.items() if key != name})


def test_the_network_is_one_graph_to_a_compiler(rng: torch.Generator) -> None:
    """None of its Python must run again between compiled pieces."""
    network = random_unet(TINY, rng)
    x, t = torch.randn(1, 2, 6, 4, generator=rng), torch.tensor([600.0])
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, t), network(x, t))

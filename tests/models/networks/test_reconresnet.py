"""ReconResNet: the size of the published networks, and each of its parts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.metrics.ssim_loss import ssim_loss
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.instance_norm import InstanceNorm
from proxflow.models.networks.reconresnet import ReconResNet, reconresnet_layout, reconresnet_of
from proxflow.models.networks.reconresnet_settings import (
    BLOCKS_34,
    RELEASED,
    ReconResNetSettings,
    reconresnet_settings_of,
)

TINY = ReconResNetSettings(n_blocks=2, width=4)

# As the authors' modules in their order give them.
PUBLISHED = {
    "intialConv.1.weight": (64, 1, 7, 7),
    "intialConv.1.bias": (64,),
    "intialConv.3.weight": (1,),
    "downsam.0.conv_block.0.weight": (128, 64, 3, 3),
    "downsam.1.conv_block.2.weight": (1,),
    "resblocks.0.conv_block.1.weight": (256, 256, 3, 3),
    "resblocks.13.conv_block.3.weight": (1,),
    "resblocks.13.conv_block.6.bias": (256,),
    "upsam.0.conv_block.0.weight": (256, 128, 3, 3),
    "upsam.1.conv_block.0.bias": (64,),
    "upsam.1.conv_block.2.weight": (1,),
    "finalconv.1.weight": (1, 64, 7, 7),
    "finalconv.1.bias": (1,),
}


def tiny(**changes: object) -> ReconResNet:
    settings = ReconResNetSettings(**{"n_blocks": 2, "width": 4, **changes})  # type: ignore[arg-type]
    return drawn_network(lambda: ReconResNet(settings), seed=3).double()


def test_the_published_networks_have_their_numbers_of_parameters() -> None:
    for settings, expected in ((RELEASED, 17_266_452), (BLOCKS_34, 40_869_633)):
        assert sum(map(math.prod, reconresnet_layout(settings).values())) == expected
    layout = reconresnet_layout(RELEASED)
    assert PUBLISHED.items() <= layout.items()
    assert [shape for shape in layout.values() if shape == (1,)] == 20 * [(1,)]  # 19 slopes and a bias


@pytest.mark.parametrize("shape", [(16, 12), (9, 14), (5, 7)])
def test_it_keeps_the_shape_and_stays_between_0_and_1(shape: tuple[int, int], rng: torch.Generator) -> None:
    x = torch.rand(2, 1, *shape, dtype=torch.float64, generator=rng)
    out = tiny().eval()(x)
    assert out.shape == x.shape
    assert 0 < out.min() < out.max() < 1


def test_sides_that_are_no_multiples_of_4_are_continued_by_reflection(rng: torch.Generator) -> None:
    network, x = tiny().eval(), torch.rand(1, 1, 10, 12, dtype=torch.float64, generator=rng)
    continued = torch.cat([x[..., 1:2, :], x, x[..., 8:9, :]], dim=-2)
    torch.testing.assert_close(network(x), network(continued)[..., 1:11, :])


def test_too_few_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="images must have at least 5 pixels along each axis, got 4 x 9"):
        tiny()(torch.zeros(1, 1, 4, 9, dtype=torch.float64))


def test_it_is_the_published_order_of_layers(rng: torch.Generator) -> None:
    """Against torch's functions, written out, from the weights alone."""
    network = tiny(n_blocks=1).eval()
    w = network.state_dict()
    x = torch.rand(1, 1, 8, 12, dtype=torch.float64, generator=rng)

    def layer(h: Tensor, name: str, slope: str = "", pad: int = 0, **kwargs: int) -> Tensor:
        h = functional.pad(h, (pad,) * 4, mode="reflect") if pad else h
        make = functional.conv_transpose2d if name.startswith("upsam") else functional.conv2d
        h = functional.instance_norm(make(h, w[f"{name}.weight"], w[f"{name}.bias"], **kwargs))
        return functional.prelu(h, w[f"{slope}.weight"]) if slope else h

    h = layer(x, "intialConv.1", "intialConv.3", pad=3)
    for i in (0, 1):
        name = f"downsam.{i}.conv_block"
        h = layer(h, f"{name}.0", f"{name}.2", stride=2, padding=1)
    name = "resblocks.0.conv_block"
    h = h + layer(layer(h, f"{name}.1", f"{name}.3", pad=1), f"{name}.6", pad=1)
    for i in (0, 1):
        name = f"upsam.{i}.conv_block"
        h = layer(h, f"{name}.0", f"{name}.2", stride=2, padding=1, output_padding=1)
    h = functional.conv2d(
        functional.pad(h, (3,) * 4, mode="reflect"), w["finalconv.1.weight"], w["finalconv.1.bias"]
    )
    torch.testing.assert_close(network(x), h.sigmoid())


def test_skips_lead_where_they_say(rng: torch.Generator) -> None:
    x = torch.rand(1, 1, 12, 8, dtype=torch.float64, generator=rng)
    parts = tiny().eval()
    stem, (down1, down2), blocks, (up1, up2), head = (
        parts.intialConv, parts.downsam, parts.resblocks, parts.upsam, parts.finalconv
    )  # fmt: skip
    plain = down2(down1(stem(x)))
    s = x + stem(x)
    d1 = down1(s)
    d2 = down2(d1)
    expected = {
        0: head(up2(up1(blocks(plain)))),
        1: x + head(up2(up1(blocks(plain)))),
        2: x + head(up2(up1(plain + blocks(plain)))),
        3: x + head(up2(up1(d2 + blocks(d2)))),
        4: x + head(s + up2(up1(d2 + blocks(d2)))),
        5: x + head(s + up2(d1 + up1(d2 + blocks(d2)))),
    }
    for skips, image in expected.items():
        torch.testing.assert_close(tiny(skips=skips).eval()(x), image)


def test_dropout_is_off_in_evaluation_and_takes_whole_channels_in_training(rng: torch.Generator) -> None:
    network, x = tiny(width=16, dropout=0.4), torch.rand(1, 1, 16, 12, dtype=torch.float64, generator=rng)
    seen: list[Tensor] = []
    dropout = network.resblocks[0].conv_block[4]
    assert isinstance(dropout, nn.Dropout2d)
    dropout.register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network.train()(x)
    zero = (seen[0] == 0).flatten(2)
    gone = zero.all(-1)
    assert torch.equal(zero.any(-1), gone)
    assert 10 <= int(gone.sum()) <= 40  # of 64, with probability 0.4
    first, again = network.eval()(x), network(x)
    assert torch.equal(first, again)


def test_instance_normalisation_is_that_of_torch_in_the_order_of_its_input(rng: torch.Generator) -> None:
    x = 3 + 2 * torch.randn(2, 5, 6, 7, generator=rng, dtype=torch.float64)
    found = InstanceNorm()(x.contiguous(memory_format=torch.channels_last))
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, nn.InstanceNorm2d(5)(x))
    assert InstanceNorm()(torch.full_like(x, 3.0)).isfinite().all()


def test_channels_last_gives_the_same_image(rng: torch.Generator) -> None:
    network, x = tiny().eval(), torch.rand(1, 1, 12, 16, dtype=torch.float64, generator=rng)
    expected = network(x)
    found = channels_last(network)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    "settings", [TINY, ReconResNetSettings(3, 8, 1, "relu"), ReconResNetSettings(0, 4, 3)]
)
def test_settings_are_told_by_weights(settings: ReconResNetSettings, rng: torch.Generator) -> None:
    network = ReconResNet(settings).eval()
    tensors = network.state_dict()
    assert reconresnet_settings_of(tensors) == settings
    x = torch.rand(1, 1, 16, 16, generator=rng)
    found = reconresnet_of(tensors)
    assert torch.equal(found(x), network(x)) and not found.training
    assert all(value.data_ptr() == tensors[name].data_ptr() for name, value in found.state_dict().items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("intialConv.1.weight"), "with a tensor intialConv.1.weight, got none"),
        (
            lambda t: t.pop("downsam.1.conv_block.0.bias"),
            r"\d+ named tensors of ReconResNet, got downsam.1.conv_block.0.bias missing",
        ),
        (
            lambda t: t.update({"resblocks.1.conv_block.6.weight": torch.zeros(16, 16, 5, 5)}),
            r"resblocks.1.conv_block.6.weight must have shape \(16, 16, 3, 3\), got \(16, 16, 5, 5\)",
        ),
        (
            lambda t: t.update({"upsam.0.post_conv.bias": torch.zeros(8)}),
            "got upsam.0.post_conv.bias unexpected",
        ),
        (
            lambda t: [t.pop(name) for name in list(t) if name.startswith("downsam")],
            "n_levels must be from 1",
        ),
    ],
)
def test_weights_of_another_network_are_refused(change, words) -> None:  # type: ignore[no-untyped-def]
    tensors = ReconResNet(TINY).state_dict()
    change(tensors)
    with pytest.raises(ValueError, match=words):
        reconresnet_of(tensors)


def test_released_weights_do_not_fit_34_blocks() -> None:
    tensors = {
        name: torch.empty(shape, device="meta") for name, shape in reconresnet_layout(RELEASED).items()
    }
    with pytest.raises(ValueError, match=r"got resblocks.14.conv_block.1.bias missing"):
        reconresnet_of(tensors, ReconResNetSettings(n_blocks=34))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_blocks": -1}, "n_blocks must be from 0 to 64, got -1"),
        ({"width": 0}, "width must be at least 1"),
        ({"n_levels": 0}, "n_levels must be from 1 to 4"),
        ({"activation": "gelu"}, "activation must be prelu or relu, got gelu"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"skips": 6}, "skips must be from 0 to 5, got 6"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ReconResNetSettings(**changes)  # type: ignore[arg-type]


def test_it_learns_one_image_by_heart(rng: torch.Generator) -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 20), indexing="ij")
    image = (0.7 * (y**2 + x**2 < 0.6) + 0.2 * ((y - 0.2) ** 2 + (x - 0.1) ** 2 < 0.1))[None, None]
    noisy = (image + 0.2 * torch.randn(image.shape, generator=rng)).abs()
    network = drawn_network(lambda: ReconResNet(ReconResNetSettings(1, 8, dropout=0.0)), seed=3)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(120):
        optimiser.zero_grad()
        loss = ssim_loss(network(noisy), image)
        loss.backward()
        optimiser.step()
    assert loss < -0.99 < -0.9 < ssim_loss(noisy, image)

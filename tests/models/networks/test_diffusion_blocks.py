"""Parts of the diffusion U-Net against plain computations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.diffusion_blocks import AttentionBlock, ResBlock, WideGroupNorm, time_embedding


def fill(module: nn.Module, rng: torch.Generator) -> None:
    """Weights as of a trained network: none zero."""
    for parameter in module.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng) / math.sqrt(parameter[0].numel()))


def test_time_embedding_is_cosines_then_sines() -> None:
    found = time_embedding(torch.tensor([0.0, 1.0, 999.0]), 8)
    torch.testing.assert_close(found[0], torch.tensor([1.0, 1, 1, 1, 0, 0, 0, 0]), rtol=0, atol=0)
    for row, t in zip(found[1:], (1.0, 999.0), strict=True):
        angles = [t, t / 10, t / 100, t / 1000]  # 10000^(-k / 4)
        expected = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
        torch.testing.assert_close(row, torch.tensor(expected), rtol=0, atol=1e-4)
    torch.testing.assert_close(time_embedding(torch.tensor([999]), 8), found[2:])


def test_group_norm_is_computed_in_float32(rng: torch.Generator) -> None:
    norm = WideGroupNorm(64)
    fill(norm, rng)
    x = (100 + torch.randn(2, 64, 5, 3, generator=rng)).bfloat16()  # a large mean, which bfloat16 loses
    found = norm(x)
    groups = x.double().view(2, 32, -1)
    mean, variance = groups.mean(2, keepdim=True), groups.var(2, unbiased=False, keepdim=True)
    whitened = ((groups - mean) / (variance + 1e-5).sqrt()).view(2, 64, 5, 3)
    expected = whitened * norm.weight.detach()[:, None, None] + norm.bias.detach()[:, None, None]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), expected, rtol=2**-8, atol=1e-3)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("last", [False, True])
def test_group_norm_scales_and_shifts_as_it_is_told(n: int, last: bool, rng: torch.Generator) -> None:
    norm = WideGroupNorm(64)
    fill(norm, rng)
    x = torch.randn(n, 64, 5, 3, generator=rng)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    scale, shift = torch.randn(2, n, 64, generator=rng)
    expected = norm(x) * (1 + scale[:, :, None, None]) + shift[:, :, None, None]
    found = norm(x, (scale, shift))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert found.stride() == x.stride()


def halved(x: Tensor) -> Tensor:
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


@pytest.mark.parametrize(
    ("resampling", "resampled"), [("none", lambda x: x), ("down", halved), ("up", doubled)]
)
@pytest.mark.parametrize("n_out", [32, 64])
def test_res_block_is_its_equation(resampling, resampled, n_out: int, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    block = ResBlock(32, n_out, 12, resampling)
    fill(block, rng)
    block.double()
    weights = dict(block.named_parameters())
    x = torch.randn(2, 32, 6, 4, dtype=torch.float64, generator=rng)
    e = torch.randn(2, 12, dtype=torch.float64, generator=rng)

    def pair(name: str) -> tuple[Tensor, Tensor]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    h = resampled(functional.silu(functional.group_norm(x, 32, *pair("in_layers.0"))))
    h = functional.conv2d(h, *pair("in_layers.2"), padding=1)
    told = functional.silu(e) @ weights["emb_layers.1.weight"].T + weights["emb_layers.1.bias"]
    scale, shift = told[:, :n_out, None, None], told[:, n_out:, None, None]
    h = functional.group_norm(h, 32, *pair("out_layers.0")) * (1 + scale) + shift
    h = functional.conv2d(functional.silu(h), *pair("out_layers.3"), padding=1)
    skip = resampled(x) if n_out == 32 else functional.conv2d(resampled(x), *pair("skip_connection"))
    torch.testing.assert_close(block(x, e), skip + h)


def test_attention_is_its_equation_head_by_head(rng: torch.Generator) -> None:
    block = AttentionBlock(64, 16)
    fill(block, rng)
    block.qkv.weight.data *= 3  # so that the softmax is far from even
    block.double()
    weights = dict(block.named_parameters())
    x = torch.randn(2, 64, 3, 5, dtype=torch.float64, generator=rng)
    normed = functional.group_norm(x, 32, weights["norm.weight"], weights["norm.bias"])
    for image, pixels, found in zip(x, normed.flatten(2), block(x), strict=True):
        qkv = weights["qkv.weight"][:, :, 0] @ pixels + weights["qkv.bias"][:, None]
        heads = []
        for head in range(4):
            q, k, v = (qkv[48 * head + 16 * part : 48 * head + 16 * (part + 1)] for part in range(3))
            seen = torch.softmax(q.T @ k / 4, dim=1)  # of every pixel (row) how much it takes from each other
            assert 0.3 < seen.amax(1).mean() < 1
            heads.append(v @ seen.T)
        mixed = weights["proj_out.weight"][:, :, 0] @ torch.cat(heads) + weights["proj_out.bias"][:, None]
        torch.testing.assert_close(found, image + mixed.view(64, 3, 5))


@pytest.mark.parametrize("block", ["res", "up", "attention"])
def test_blocks_in_the_memory_of_others_have_the_gradient_of_their_equation(
    block: str, rng: torch.Generator
) -> None:
    """Of one image and of two, with and without gradients: results and derivatives are the same."""
    made = (
        AttentionBlock(32, 16)
        if block == "attention"
        else ResBlock(32, 32, 12, "up" if block == "up" else "none")
    )
    fill(made, rng)
    made.double()
    x = torch.randn(2, 32, 2, 3, dtype=torch.float64, generator=rng, requires_grad=True)
    e = torch.randn(2, 12, dtype=torch.float64, generator=rng, requires_grad=True)

    def applied(x: Tensor, e: Tensor) -> Tensor:
        found: Tensor = made(x) if block == "attention" else made(x, e)
        return found

    together, before = applied(x, e), x.detach().clone()
    with torch.no_grad():
        torch.testing.assert_close(applied(x, e), together)
        torch.testing.assert_close(torch.cat([applied(x[:1], e[:1]), applied(x[1:], e[1:])]), together)
    torch.testing.assert_close(x.detach(), before, rtol=0, atol=0)
    direction = torch.randn(x.shape, dtype=torch.float64, generator=rng)
    (slope,) = torch.autograd.grad(together.square().sum(), x)
    with torch.no_grad():
        step = 1e-6 * direction
        apart = applied(x + step, e).square().sum() - applied(x - step, e).square().sum()
    torch.testing.assert_close((slope * direction).sum(), apart / 2e-6, rtol=1e-5, atol=1e-5)


def test_new_blocks_leave_images_as_they_are(rng: torch.Generator) -> None:
    x, e = torch.randn(1, 32, 4, 6, generator=rng), torch.randn(1, 12, generator=rng)
    torch.testing.assert_close(ResBlock(32, 32, 12)(x, e), x, rtol=0, atol=0)
    torch.testing.assert_close(AttentionBlock(32, 16)(x), x, rtol=0, atol=0)

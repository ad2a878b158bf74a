"""Resampling with (1, 3, 3, 1) against upfirdn written out: zeros between, zeros around, filter, decimate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from proxflow.models.networks.fir_resampling import FirConv, fir_down, fir_up

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def upfirdn(
    x: NDArray[np.float64], kernel: NDArray[np.float64], up: int, down: int, pad: tuple[int, int]
) -> NDArray[np.float64]:
    """One image: ``up - 1`` zeros after every pixel, ``pad`` before and after, filter, every ``down``-th."""
    spread = np.zeros((up * x.shape[0], up * x.shape[1]))
    spread[::up, ::up] = x
    spread = np.pad(spread, pad)
    flipped = kernel[::-1, ::-1]
    ny, nx = (n - k + 1 for n, k in zip(spread.shape, kernel.shape, strict=True))
    out = np.empty((ny, nx))
    for i in range(ny):
        for j in range(nx):
            out[i, j] = (spread[i : i + kernel.shape[0], j : j + kernel.shape[1]] * flipped).sum()
    return out[::down, ::down]


@pytest.mark.parametrize("shape", [(8, 6), (2, 10)])
def test_halving_and_doubling_are_upfirdn(shape: tuple[int, int], rng: torch.Generator) -> None:
    x = torch.randn(2, 3, *shape, dtype=torch.float64, generator=rng)
    for resampled, kernel, how in [
        (fir_down(x), FILTER, (1, 2, (1, 1))),
        (fir_up(x), 4 * FILTER, (2, 1, (2, 1))),
    ]:
        for image, out in zip(x.flatten(0, 1), resampled.flatten(0, 1), strict=True):
            torch.testing.assert_close(out, torch.from_numpy(upfirdn(image.numpy(), kernel, *how)))


def test_a_constant_stays_one_in_the_interior() -> None:
    ones = torch.ones(1, 2, 8, 6)
    torch.testing.assert_close(fir_down(ones)[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 1))
    torch.testing.assert_close(fir_up(ones)[..., 1:-1, 1:-1], torch.ones(1, 2, 14, 10))
    corner = fir_up(ones)[0, 0, 0, 0]  # a quarter along either axis comes from the zeros outside
    torch.testing.assert_close(corner, torch.tensor(9 / 16))


def test_the_filtered_convolution_pads_once_and_filters_before_it_decimates(rng: torch.Generator) -> None:
    layer = FirConv(2, 3).double()
    layer.bias.data = torch.randn(3, dtype=torch.float64, generator=rng)
    x = torch.randn(1, 2, 6, 8, dtype=torch.float64, generator=rng)
    expected = np.zeros((3, 3, 4)) + layer.bias.detach().numpy()[:, None, None]
    for i, j in np.ndindex(3, 2):
        smooth = upfirdn(x[0, j].numpy(), FILTER, 1, 1, (2, 2))
        correlated = layer.weight[i, j].detach().numpy()[::-1, ::-1]  # a layer's convolution is a correlation
        expected[i] += upfirdn(smooth, correlated, 1, 2, (0, 0))
    torch.testing.assert_close(layer(x)[0], torch.from_numpy(expected))

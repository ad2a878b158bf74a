"""Halving and doubling images with a short low-pass filter."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TAPS = (1.0, 3.0, 3.0, 1.0)  # the binomial filter of StyleGAN2; their sum is 8


def fir_down(x: Tensor) -> Tensor:
    """Half the pixels along both axes: filtered by h h^T, h = (1, 3, 3, 1) / 8, then every second one.

        y[i] = (x[2i - 1] + 3 x[2i] + 3 x[2i + 1] + x[2i + 2]) / 8 along either axis, x zero outside

    x: float (n, c, y, x), even sides. Returns (n, c, y / 2, x / 2).
    Source: Karras et al., CVPR 2020 (StyleGAN2), as upfirdn2d with down = 2 and one zero on every side.
    """
    return functional.conv2d(x, _kernel(x, 1 / 8), stride=2, padding=1, groups=x.shape[1])


def fir_up(x: Tensor) -> Tensor:
    """Twice the pixels along both axes: zeros between them, then filtered by 4 h h^T.

        y[2i] = (x[i - 1] + 3 x[i]) / 4,  y[2i + 1] = (3 x[i] + x[i + 1]) / 4 along either axis

    It is 4 times the transpose of ``fir_down``, so a constant stays one but for a border of one pixel.
    x: float (n, c, y, x). Returns (n, c, 2 y, 2 x).
    Source: as ``fir_down``; upfirdn2d with up = 2, two zeros before and one after.
    """
    return functional.conv_transpose2d(x, _kernel(x, 1 / 4), stride=2, padding=1, groups=x.shape[1])


class FirConv(nn.Module):
    """A 3 x 3 convolution with bias at half the resolution, filtered by h h^T before it is decimated.

    Zeros are put around x once, two on every side, so that filter and convolution together see none of
    their own. weight: (n_out, n_in, 3, 3), bias: (n_out,).

    x: float (n, n_in, y, x), even sides. Returns (n, n_out, y / 2, x / 2).
    Source: Karras et al., CVPR 2020 (StyleGAN2), their convolution that downsamples.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        smooth = functional.conv2d(x, _kernel(x, 1 / 8), padding=2, groups=x.shape[1])
        return functional.conv2d(smooth, self.weight, self.bias, stride=2)


def _kernel(x: Tensor, scale: float) -> Tensor:
    """(c, 1, 4, 4): the filter for each channel of ``x``, ``scale`` along either axis."""
    taps = scale * torch.tensor(TAPS, dtype=x.dtype, device=x.device)
    return torch.outer(taps, taps).expand(x.shape[1], 1, -1, -1)

"""Instance normalisation that leaves the order of memory alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-5  # torch's own


class InstanceNorm(nn.Module):
    """(x - m) / sqrt(v + 1e-5), m and v the mean and the variance of each channel of each image.

    Without parameters and running statistics, and so the same in training and evaluation. The numbers are
    those of ``nn.InstanceNorm2d``, which copies channels-last tensors to the other order, so that every
    convolution after it has to turn them back.

    x: float (n, channel, y, x), in any order of memory, which the result has too.
    """

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=(-2, -1), correction=0, keepdim=True)
        scale = torch.rsqrt(variance + EPS)
        return torch.addcmul(-mean * scale, x, scale)

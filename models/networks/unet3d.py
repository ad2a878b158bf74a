"""The 3-D U-Net that removes noise of a known level from volumes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.load_weights import load_weights

WIDTHS = (32, 64, 128)  # channels at full, half and quarter resolution


class UNet3d(nn.Module):
    """Three levels of two [3 x 3 x 3 convolution, batch norm, ReLU], pooled 2 x 2 x 2 by maximum.

        e1 = B(x), 32          d1 = B([T(d2), e1]), 32      out = 1 x 1 x 1 convolution of d1
        e2 = B(P e1), 64       d2 = B([T(e3), e2]), 64
        e3 = B(P e2), 128      T: transposed convolution 2 x 2 x 2, stride 2, to half the channels

    Where an axis has an odd number of voxels, T's result is one short and gets a zero at its end. Biases
    everywhere; 1 357 505 parameters with two inputs, 1 356 641 with one.

    Args:
        n_inputs: 2 for a magnitude and the map of its noise's standard deviation, 1 for a magnitude alone.
        sigmoid: whether out goes through 1 / (1 + exp(-out)), so that it lies between 0 and 1; no activation
            if not.

    x: float (n, n_inputs, z, y, x), every axis at least 4 voxels. Returns (n, 1, z, y, x). Batch
    normalisation is in evaluation mode wherever a volume is to be denoised.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024): the layers of their non-blind denoiser.
    The sigmoid is of Deep2S (Manisali, Oral & Oktem, Digital Signal Process. 144:104274, 2024), which pools
    three times.
    """

    def __init__(self, n_inputs: int = 2, *, sigmoid: bool = False) -> None:
        super().__init__()
        full, half, quarter = WIDTHS
        self.n_inputs, self.sigmoid = n_inputs, sigmoid
        self.encode1, self.encode2 = _block(n_inputs, full), _block(full, half)
        self.bottom = _block(half, quarter)
        self.up2, self.up1 = _doubled(quarter, half), _doubled(half, full)
        self.decode2, self.decode1 = _block(quarter, half), _block(half, full)
        self.out = nn.Conv3d(full, 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.encode1(x)
        coarse = self.encode2(functional.max_pool3d(fine, 2))
        lowest = self.bottom(functional.max_pool3d(coarse, 2))
        coarse = self.decode2(torch.cat([_padded(self.up2(lowest), coarse), coarse], dim=1))
        fine = self.decode1(torch.cat([_padded(self.up1(coarse), fine), fine], dim=1))
        out: Tensor = self.out(fine)
        return out.sigmoid() if self.sigmoid else out


def unet3d_of(tensors: Mapping[str, Tensor], *, sigmoid: bool = False) -> UNet3d:
    """The network with these weights, float32, for evaluation. Raises ValueError where they do not fit."""
    first = tensors.get("encode1.0.weight")
    network = UNet3d(2 if first is None else first.shape[1], sigmoid=sigmoid)
    return load_weights(network, tensors).eval()


def _block(n_in: int, n_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (n_in, n_out):
        layers += [nn.Conv3d(n, n_out, kernel_size=3, padding=1), nn.BatchNorm3d(n_out)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _doubled(n_in: int, n_out: int) -> nn.ConvTranspose3d:
    return nn.ConvTranspose3d(n_in, n_out, kernel_size=2, stride=2)


def _padded(x: Tensor, like: Tensor) -> Tensor:
    """Zeros at the end of each axis that is shorter than ``like``'s."""
    short = [n - m for m, n in zip(x.shape[-3:], like.shape[-3:], strict=True)]
    return functional.pad(x, (0, short[2], 0, short[1], 0, short[0]))

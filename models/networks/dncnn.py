"""The convolutional denoiser of RED-PSM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from proxflow.models.networks.load_weights import load_weights

Predicts = Literal["noise", "image"]

N_CHANNELS = 64
N_MIDDLE_LAYERS = 6  # "numLayers" of the authors, who do not count the first and the last


class DnCNN(nn.Module):
    """Eight 3 x 3 convolutions with biases and zero padding, ReLU between them; no normalisation of any kind.

    conv 1 -> 64, ReLU, 6 x (conv 64 -> 64, ReLU), conv 64 -> 1: 222 785 parameters, each pixel of the result
    sees 17 x 17 of the input. With ``predicts = "noise"`` (the residual network) D(x) = x - net(x), with
    ``"image"`` (the direct one) D(x) = net(x). It is blind, being told no noise level, and not scale-free:
    it works at the scale of the images it was trained on.

    images: (n, 1, y, x), any size. Returns the same shape.
    Source: Zhang et al., IEEE Trans. Image Process. 26:3142 (2017), without its batch normalisation, as
    Iskender, Klasky & Bresler, IEEE Trans. Comput. Imaging 10:832 (2024) use it.
    """

    def __init__(self, predicts: Predicts = "noise") -> None:
        super().__init__()
        if predicts not in ("noise", "image"):
            raise ValueError(f"predicts must be 'noise' or 'image', got {predicts!r}")
        self.predicts = predicts
        layers: list[nn.Module] = [_convolution(1, N_CHANNELS), nn.ReLU(inplace=True)]
        for _ in range(N_MIDDLE_LAYERS):
            layers += [_convolution(N_CHANNELS, N_CHANNELS), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, _convolution(N_CHANNELS, 1))

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.layers(images)
        return images - out if self.predicts == "noise" else out


def _convolution(n_in: int, n_out: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, kernel_size=3, padding=1)


def dncnn_of(tensors: Mapping[str, Tensor], predicts: Predicts) -> DnCNN:
    """The network with these weights, float32. Raises ValueError where a name or a shape does not fit."""
    return load_weights(DnCNN(predicts), tensors)

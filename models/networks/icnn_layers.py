"""The layers of input-convex networks, and the transposes of the maps they apply."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.icnn_settings import N_DENSE, IcnnSettings

N_FEATURES = 64  # of an image network's last hidden layer, which sees the whole image at once


def icnn_layers(settings: IcnnSettings) -> tuple[list[nn.Module], list[nn.Module], tuple[int, ...]]:
    """``lin``, ``res``, and the sides of the images that ``res`` is given.

    An image network: a 3 x 3 convolution, those of ``settings.strides``, one with a kernel as large as what
    is left of the image, and a linear map to one number. A kernel that large is the linear layer of the
    published small network, its weights in four axes instead of two.
    """
    return _dense_layers(settings) if settings.kind == "dense" else _image_layers(settings)


def _image_layers(settings: IcnnSettings) -> tuple[list[nn.Module], list[nn.Module], tuple[int, ...]]:
    biased, channels, hidden = settings.kind == "image", settings.channels, settings.hidden
    side, sides = settings.side, list[int]()
    lin: list[nn.Module] = [nn.Conv2d(channels, hidden, 3, padding=1, bias=biased)]
    res: list[nn.Module] = []
    for stride in settings.strides:
        lin.append(nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, bias=False))
        res.append(nn.Conv2d(channels, hidden, 3, stride=stride, padding=1))
        sides.append(side)
        side //= stride
    lin += [nn.Conv2d(hidden, N_FEATURES, side, bias=False), nn.Linear(N_FEATURES, 1, bias=biased)]
    res.append(nn.Conv2d(channels, N_FEATURES, side))
    return lin, res, (*sides, side)


def _dense_layers(settings: IcnnSettings) -> tuple[list[nn.Module], list[nn.Module], tuple[int, ...]]:
    n, hidden = settings.channels, settings.hidden
    widths = [n, *[hidden] * (N_DENSE + 1), 1]
    lin = [nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)]
    res = [nn.Linear(n, b) for b in widths[2:]]
    return [*lin], [*res], (1,) * len(res)


def resizing(n: int, m: int) -> Tensor:
    """(m, n): bilinear interpolation of n samples at m places, without corners aligned or antialiasing.

    As a matrix, because the transpose is needed, and rounded in one way on every device.
    """
    rows = functional.interpolate(torch.eye(n, dtype=torch.float64)[None], size=m, mode="linear")[0]
    return rows.T.contiguous().to(torch.get_default_dtype())


def transposed(layer: nn.Module, t: Tensor, side: int) -> Tensor:
    """W^T t of a layer's linear part, for images of ``side`` where it is a convolution."""
    if isinstance(layer, nn.Linear):
        return t @ layer.weight
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"layer must be a convolution or linear, got {type(layer).__name__}")
    stride, kernel, padding = layer.stride[0], layer.kernel_size[0], int(layer.padding[0])
    beyond = side - ((t.shape[-1] - 1) * stride - 2 * padding + kernel)
    return functional.conv_transpose2d(t, layer.weight, None, stride, padding, beyond)


def applied(layer: nn.Module, z: Tensor) -> Tensor:
    """W z of a layer, without its bias."""
    if isinstance(layer, nn.Linear):
        return functional.linear(z, layer.weight)
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"layer must be a convolution or linear, got {type(layer).__name__}")
    return functional.conv2d(z, layer.weight, None, layer.stride, layer.padding)

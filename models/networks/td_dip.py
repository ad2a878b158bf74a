"""The network of the time-dependent deep image prior: a point of a path in, an image out."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

STAGES = 4  # of doubling
SMALLEST = 2  # pixels of a side before doubling: statistics of a single pixel are none
HIDDEN = 512
EPSILON = 1e-5  # of the variance, as torch.nn.BatchNorm2d


def helix(n_frames: int, n_cycles: float) -> Tensor:
    """The path through time, float64 (frame, 3): (cos 2 pi c t, sin 2 pi c t, t) for t from 0 to 1.

    With c = ``n_cycles`` = 0 it is a straight line, for motion that does not come back.
    Source: Yoo et al., IEEE Trans. Med. Imaging 40:3337 (2021).
    """
    t = torch.linspace(0, 1, n_frames, dtype=torch.float64)
    turn = 2 * math.pi * n_cycles * t
    return torch.stack([turn.cos(), turn.sin(), t], -1)


class TdDipNetwork:
    """A mapping net 3 -> 512 -> h w, then 3 x 3 convolutions up to (16 h, 16 w), cropped to ``shape``.

    Two blocks of convolution, normalisation and ReLU at (h, w); four times doubling by nearest neighbours and
    two such blocks; a convolution to ``n_out`` channels. No biases in convolutions. h and w are the least
    that suffice: 8 x 8 for 128 x 128, as published. Normalisation is that of a batch of one frame, over its
    pixels, while training and after: it keeps no running statistics. A convolution of a doubled image is done
    as four of 2 x 2 before doubling (``doubled_convolution``): the same numbers with 4/9 of the products.

    The weights are one vector, so that a solver's state holds them.
    Source: Yoo et al., IEEE Trans. Med. Imaging 40:3337 (2021), fig. 2.
    """

    def __init__(self, shape: tuple[int, int], n_out: int, n_channels: int = 128) -> None:
        self.shape, self.n_out = shape, n_out
        self.base = tuple(max(SMALLEST, -(-n // 2**STAGES)) for n in shape)
        blocks = [(n_channels, 1)] + (1 + 2 * STAGES) * [(n_channels, n_channels)]
        self._shapes: list[tuple[int, ...]] = [(HIDDEN, 3), (HIDDEN,), (math.prod(self.base), HIDDEN)]
        self._shapes.append((math.prod(self.base),))
        for n_to, n_from in blocks:
            self._shapes += [(n_to, n_from, 3, 3), (n_to,), (n_to,)]
        self._shapes.append((n_out, n_channels, 3, 3))

    def parts(self, weights: Tensor) -> list[Tensor]:
        """Views of the vector: weight and bias of two linear maps; weight, scale and shift of every block;
        the last convolution's weight."""
        pieces = weights.split([math.prod(shape) for shape in self._shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        """Uniform within 1 / sqrt(inputs of a neuron), scales 1 and shifts 0, as torch's layers start."""
        drawn = 2 * torch.rand(sum(map(math.prod, self._shapes)), generator=generator, dtype=dtype) - 1
        parts = self.parts(drawn)
        for weight, bias in ((parts[0], parts[1]), (parts[2], parts[3])):
            weight /= weight.shape[1] ** 0.5
            bias /= weight.shape[1] ** 0.5
        for part in parts[4:]:
            if part.ndim == 4:
                part /= part[0].numel() ** 0.5
        for scale, shift in zip(parts[5:-1:3], parts[6:-1:3], strict=True):
            scale.fill_(1)
            shift.zero_()
        return drawn

    def frame(self, weights: Tensor, point: Tensor) -> Tensor:
        """The image at one point (3,) of the path: (n_out, ny, nx)."""
        parts = self.parts(weights)
        style = functional.linear(functional.linear(point, parts[0], parts[1]).relu(), parts[2], parts[3])
        x = style.view(1, 1, *self.base)
        for block in range(2 + 2 * STAGES):
            weight, scale, shift = parts[4 + 3 * block : 7 + 3 * block]
            doubles = block >= 2 and block % 2 == 0
            x = doubled_convolution(x, weight) if doubles else _convolution(x, weight)
            x = functional.batch_norm(x, None, None, scale, shift, training=True, eps=EPSILON).relu()
        with torch.autocast(x.device.type, enabled=False):  # what leaves is not rounded
            x = _convolution(x.to(weights.dtype), parts[-1])
        return x[0, :, : self.shape[0], : self.shape[1]]


def doubled_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """x (1, n, h, w) doubled by nearest neighbours, then a 3 x 3 convolution, zero beyond: (1, m, 2h, 2w).

    An even row of the result sees row i - 1 of x once and i twice, an odd one i twice and i + 1 once; columns
    alike. So each of four interleaved results is a 2 x 2 convolution of x with sums of the taps.
    """
    _, _, h, w = x.shape
    rows = []
    for i, tall in enumerate(_pairs_of_taps(weight, 2)):
        images = []
        for j, taps in enumerate(_pairs_of_taps(tall, 3)):
            padded = functional.pad(x, (1 - j, j, 1 - i, i)).contiguous(memory_format=torch.channels_last)
            taps = taps.contiguous(memory_format=torch.channels_last)
            images.append(functional.conv2d(padded, taps).permute(0, 2, 3, 1))
        rows.append(torch.stack(images, 3))
    joined = torch.stack(rows, 2)  # (1, h, 2, w, 2, m): channels last, which convolutions are fastest with
    return joined.reshape(1, 2 * h, 2 * w, -1).permute(0, 3, 1, 2)


def _pairs_of_taps(weight: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Three taps along ``axis`` as two for even places of the result, and two for odd ones."""
    first, second, third = weight.unbind(axis)
    return torch.stack([first, second + third], axis), torch.stack([first + second, third], axis)


def _convolution(x: Tensor, weight: Tensor) -> Tensor:
    last = torch.channels_last
    return functional.conv2d(
        x.contiguous(memory_format=last), weight.contiguous(memory_format=last), padding=1
    )

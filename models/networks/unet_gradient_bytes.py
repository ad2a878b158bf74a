"""How much memory a U-Net keeps of one image until the gradient by that image is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from proxflow.models.networks.unet_bytes import NUMBER_BYTES

# Of what is counted: convolutions make copies, and the allocator keeps blocks. 1.2 to 1.3 times was seen of a
# U-Net of guided diffusion, of 32 channels and 192 x 192 pixels on a CPU, 1.5 to 1.6 times of NCSN++.
OVERHEAD = 1.5


class Block(NamedTuple):
    """A residual block: level and channels of what it is given, and of what it returns."""

    level_in: int
    n_in: int
    level_out: int
    n_out: int


def unet_gradient_bytes(
    channels: Sequence[int],
    n_blocks: int,
    pixels: int,
    attentions: Sequence[int],
    *,
    heads_apart: bool = False,
) -> int:
    """Bytes that one image takes at most while a gradient by it goes back through a U-Net whose weights have
    none, about:

        1.5 * 4 bytes * [sum_blocks (2 i p + i p' + 3 o p') + 4 c_0 p_0 + sum_attention (5 c p + a p^2)
                          + max 2 a p^2]

    A block keeps what its norm, its activation and its convolution are given, i channels of p pixels, before
    and behind its resampling, and o channels of p' pixels; attention its norm's, its q, k and v and its
    result, and with ``heads_apart``, a = 1, the softmax of all pairs of pixels, whose gradient takes two more
    of them, else a = 0. Nothing is freed before the way back, so that all blocks count, where
    ``unet_image_bytes`` has the one that takes most.

    attentions: layers of it at every level, the finest first.  Others: as of ``unet_image_bytes``.
    """
    at = [pixels / 4**level for level in range(len(channels))]
    blocks = sum(
        (2 * at[b.level_in] + at[b.level_out]) * b.n_in + 3 * at[b.level_out] * b.n_out
        for b in unet_blocks(channels, n_blocks)
    )
    layers = list(zip(at, channels, attentions, strict=True))
    mixed = sum(count * (5 * width + heads_apart * p) * p for p, width, count in layers)
    pairs = heads_apart * max((2 * p**2 for p, _, count in layers if count), default=0.0)
    return int(OVERHEAD * NUMBER_BYTES * (blocks + 4 * channels[0] * at[0] + mixed + pairs))


def unet_blocks(channels: Sequence[int], n_blocks: int) -> Iterator[Block]:
    """All of a U-Net with ``n_blocks`` a level on the way down, two in the middle and one more a level on the
    way up, which are also given what the way down had; one halves and one doubles the sides between levels.
    """
    width, last = channels[0], len(channels) - 1
    kept = [width]
    for level, n_out in enumerate(channels):
        if level:
            yield Block(level - 1, width, level, width)
            kept.append(width)
        for _ in range(n_blocks):
            yield Block(level, width, level, n_out)
            width = n_out
            kept.append(width)
    yield from [Block(last, width, last, width)] * 2
    for level, n_out in reversed(list(enumerate(channels))):
        for _ in range(n_blocks + 1):
            yield Block(level, width + kept.pop(), level, n_out)
            width = n_out
        if level:
            yield Block(level, width, level - 1, width)

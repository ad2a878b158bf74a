"""How much memory a U-Net takes to see one image, counted from its layers."""

from __future__ import annotations

from collections.abc import Sequence

NUMBER_BYTES = 4  # float32
# Of what is counted: convolutions copy into orders of memory of their own. 1.4 times was seen of a U-Net of
# guided diffusion, 1.9 times of NCSN++, of 64 channels and 192 x 192 pixels on a CPU.
OVERHEAD = 2


def unet_image_bytes(
    channels: Sequence[int], n_blocks: int, pixels: int, heads: Sequence[int] = (), *, in_place: bool = False
) -> int:
    """Bytes that one image takes at most while it goes through a U-Net without gradients, about:

        2 * 4 bytes * [max_l (k_l + p_l (m c_{l+1} + (n + 3) c_l)) + max_l 2 heads_l p_l^2]

    p_l = pixels / 4^l of level l and c_l its channels. On the way up a level's first block is given the image
    from below, c_{l+1}, and what is put together of it and of the way down, which norm and activation copy,
    m = 4, or the norm alone where the activation is in place, m = 3; n outputs of the way down wait for their
    turn, and k_l, the n + 1 of every finer level.

    channels: of every level, the finest first.  n_blocks: n, residual blocks of a level on the way down, one
    more on the way up.  heads: of attention at each level that forms the products of all pairs of pixels, and
    of their softmax; 0 where it has none.
    """
    most, kept = 0.0, 0.0
    for level, width in enumerate(channels):
        here, below = pixels / 4**level, channels[min(level + 1, len(channels) - 1)]
        most = max(most, kept + here * ((3 if in_place else 4) * below + (n_blocks + 3) * width))
        kept += here * (n_blocks + 1) * width
    products = max((2 * n * (pixels / 4**level) ** 2 for level, n in enumerate(heads)), default=0.0)
    return int(OVERHEAD * NUMBER_BYTES * (most + products))

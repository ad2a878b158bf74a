"""Where the patches of an image lie."""

from __future__ import annotations

from typing import Literal, NamedTuple

Patching = Literal["exact", "averaged"]


class Start(NamedTuple):
    """Of a patch along an axis, and to which of that axis's tilings it belongs."""

    at: int
    tiling: int


class Windows(NamedTuple):
    """Patches start at ``rows`` x ``columns`` of the image with ``before`` zeros in front of each axis and so
    many behind that the last patch ends there: (rows, columns) of ``padded``."""

    before: int
    padded: tuple[int, int]
    rows: tuple[Start, ...]
    columns: tuple[Start, ...]

    @property
    def n_tilings(self) -> int:
        """Along each axis."""
        return 1 + max(start.tiling for start in self.rows)


def exact_windows(size: tuple[int, int], side: int, stride: int) -> Windows:
    """Every pixel of the image lies in (side / stride)^2 patches, zeros around the image making up for those
    that its edge would miss.

    Along an axis these are side / stride tilings, the k-th of which starts at k stride + k mod stride: one
    pixel further than stride alone, so that tilings do not meet a network's strides, 2 to 8 pixels, in the
    same phase. A pattern of such a period, which one tiling enlarges, another takes away.

    Divided by that constant, sum_k P_k^T f(P_k E x), E the padding, is the gradient of
    (stride / side)^2 sum_k psi(P_k E x): convex in x, its Jacobian symmetric.
    """
    firsts = [-((-k * stride - k % stride) % side) for k in range(side // stride)]  # at or before the image
    before = -min(firsts)
    rows, columns = (
        tuple(sorted(Start(before + at, k) for k, first in enumerate(firsts) for at in range(first, n, side)))
        for n in size
    )
    return Windows(before, (rows[-1].at + side, columns[-1].at + side), rows, columns)


def averaged_windows(size: tuple[int, int], side: int, stride: int) -> Windows:
    """Patches within the image, the last ones at its edge; pixels are divided by how many cover them.

    Where that count varies, D^-1 sum_k P_k^T f(P_k x) has no symmetric Jacobian: no proximal operator.
    Raises ValueError if the image is smaller than a patch.
    """
    if min(size) < side:
        raise ValueError(f"images must be at least {side} x {side} for averaged patches, got {size}")
    rows, columns = (tuple(Start(at, 0) for at in (*range(0, n - side, stride), n - side)) for n in size)
    return Windows(0, size, rows, columns)

"""Masks of the low frequencies alone: a block around DC, nothing beyond it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from proxflow.data.masks.acceleration import central_block

Keeps = Literal["lines", "aspect", "square"]


def cut_lines_mask(shape: tuple[int, int], n_lines: int) -> np.ndarray:
    """All but ``n_lines`` at each of the four borders. bool (ny, nx), True = sampled.

    Raises ValueError unless a point is left. Source: as ``centre_mask``.
    """
    if not 0 <= 2 * n_lines < min(shape):
        most = (min(shape) - 1) // 2
        raise ValueError(f"n_lines must be from 0 to {most}, got {n_lines}")
    return central_block(shape, (shape[0] - 2 * n_lines, shape[1] - 2 * n_lines))


def centre_mask(shape: tuple[int, int], fraction: float, *, keeps: Keeps = "lines") -> np.ndarray:
    """The largest block that takes at most ``fraction`` of the grid, cut from all borders alike.

        "lines"   (ny - 2 i, nx - 2 i)                     as many lines at each border
        "aspect"  (ny - 2 i, nx - 2 j), j = (nx - round((ny - 2 i) nx / ny)) // 2
        "square"  the longer axis is cut to the shorter, up to one line, then as "lines"

    Filled with zeros outside it gives images blurred at the same size; ``kspace[..., rows, :][..., columns]``
    with ``rows, columns = mask.any(1), mask.any(0)`` those of a smaller matrix.

    Returns bool (ny, nx), True = sampled, DC at n // 2. Raises ValueError where no such block has a point.
    Source: the sampling tool of Chatterjee et al., Comput. Biol. Med. 143:105321 (2022); nothing says that
    their experiments used it.
    """
    if keeps not in ("lines", "aspect", "square"):
        raise ValueError(f"keeps must be lines, aspect or square, got {keeps}")
    for i in range((max(shape) + 1) // 2):
        height, width = _block(shape, i, keeps)
        if height < 1 or width < 1:
            break
        if height * width <= fraction * shape[0] * shape[1]:
            return central_block(shape, (height, width))
    raise ValueError(f"fraction must leave a block of at least one point of {shape}, got {fraction:g}")


def _block(shape: tuple[int, int], i: int, keeps: Keeps) -> tuple[int, int]:
    ny, nx = shape
    if keeps == "aspect":
        return ny - 2 * i, nx - 2 * ((nx - round((ny - 2 * i) * nx / ny)) // 2)
    if keeps == "square":
        ny, nx = ny - 2 * (max(ny - nx, 0) // 2), nx - 2 * (max(nx - ny, 0) // 2)
    return ny - 2 * i, nx - 2 * i

"""The autocalibration region (ACS): the centred block of k-space that is fully sampled."""

from __future__ import annotations

import torch
from torch import Tensor


def find_acs(mask: Tensor) -> tuple[int, int]:
    """Height and width of the largest fully sampled centred block of a sampling mask.

    A block of height h is centred when it spans rows ``ny // 2 - h // 2`` to ``ny // 2 - h // 2 + h - 1``,
    likewise for columns, as ``central_block`` cuts it. Of blocks with equal area the tallest is returned.

    Args:
        mask: bool (ny, nx), True = sampled; DC at (ny // 2, nx // 2).

    Returns (0, 0) if DC itself is not sampled. Raises ValueError for another shape or dtype.
    """
    if mask.ndim != 2 or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be bool with axes (ky, kx), got {mask.dtype} of shape {tuple(mask.shape)}"
        )
    ny, nx = mask.shape
    # Width of the widest centred block within each row, then its running minimum as the block grows.
    columns = _outward(nx).to(mask.device)
    widths = mask[:, columns].long().cumprod(1).sum(1)
    rows = _outward(ny).to(mask.device)
    widest = widths[rows].cummin(0).values
    areas = widest * torch.arange(1, ny + 1, device=mask.device)
    height = ny - int(areas.flip(0).argmax())
    width = int(widest[height - 1])
    return (height, width) if width else (0, 0)


def central_block(kspace: Tensor, shape: tuple[int, int]) -> Tensor:
    """The centred block ``shape`` of the last two axes, DC of the k-space staying at ``n // 2`` of the block.

    Raises ValueError unless the block fits.
    """
    ny, nx = kspace.shape[-2:]
    (height, width) = shape
    if not (1 <= height <= ny and 1 <= width <= nx):
        raise ValueError(
            f"acs_shape must lie between (1, 1) and the k-space's {(ny, nx)}, got {tuple(shape)}"
        )
    top, left = ny // 2 - height // 2, nx // 2 - width // 2
    return kspace[..., top : top + height, left : left + width]


def _outward(n: int) -> Tensor:
    """Indices in the order in which a centred block grows: n//2, n//2 - 1, n//2 + 1, n//2 - 2, ..."""
    steps = torch.arange(1, n + 1)
    offsets = (steps // 2) * torch.where(steps % 2 == 0, -1, 1)
    return n // 2 + offsets

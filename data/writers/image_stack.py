"""What every image export asks first: is this a stack, and which item is which slice."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry


class ItemGrid(NamedTuple):
    """Items as frames of a stack of slices.

    ``items`` int (frame, slice) gives the item at each place; ``first`` and ``step`` are the slice
    number of the first slice and the difference to the next.
    """

    items: NDArray[np.intp]
    first: int
    step: int


def check_image(image: NDArray, geometry: Geometry) -> NDArray:
    """``image`` if it is a finite stack (item, y, x) that fits ``geometry``; else ScanError."""
    check_stack(image.shape, image.dtype, geometry)
    return check_finite(image)


def check_stack(shape: tuple[int, ...], dtype: np.dtype, geometry: Geometry) -> None:
    """ScanError unless an image of this shape is a stack (item, y, x) that fits ``geometry``."""
    if len(shape) != 3 or 0 in shape or dtype.kind not in "fc":
        raise ScanError(f"image must be a float or complex array (item, y, x), got {dtype} {shape}")
    if geometry.slices and len(geometry.slices) != shape[0]:
        raise ScanError(f"geometry must name the slice of {shape[0]} items, got {len(geometry.slices)}")


def check_finite(image: NDArray) -> NDArray:
    """``image`` if it is finite; else ScanError with the count."""
    if not np.isfinite(image).all():
        raise ScanError(f"image must be finite, got {int((~np.isfinite(image)).sum())} NaN or Inf pixels")
    return image


def item_grid(geometry: Geometry, n_items: int) -> ItemGrid:
    """Sort items into frames of equally spaced slices; raises ScanError if they form no such grid.

    Items that share a slice number are frames of that slice, in the order of the items.
    """
    numbers = np.array(geometry.slices or range(n_items))
    unique, counts = np.unique(numbers, return_counts=True)
    steps = np.unique(np.diff(unique))
    if len(steps) > 1 or len(np.unique(counts)) > 1:
        raise ScanError(
            f"items must form whole frames of equally spaced slices, got slices {numbers.tolist()}"
        )
    order = np.argsort(numbers, kind="stable").reshape(len(unique), counts[0])
    return ItemGrid(order.T, int(unique[0]), int(steps[0]) if len(steps) else 1)


def slices_and_frames(geometry: Geometry, n_items: int) -> tuple[int, int]:
    """(S, T) where items are S slices of T frames each, a slice's frames one after the other; else (n, 1)."""
    runs = [len(list(run)) for _, run in groupby(geometry.slices or range(n_items))]
    whole = len(set(geometry.slices)) == len(runs) and len(set(runs)) == 1
    return (len(runs), runs[0]) if whole else (n_items, 1)


def item_affines(geometry: Geometry, image: NDArray) -> NDArray[np.float64]:
    """(item, 4, 4) RAS affines in mm of each item's plane, its own slice at index 0.

    Where the file tells no position, the plane is taken as axial with x to the left and y to the back
    (radiological display), centred, voxels as known or else 1 mm.
    """
    shape = image.shape[1], image.shape[2]
    numbers = np.array(geometry.slices or range(len(image)))
    affine = geometry.affine_for(shape)
    if affine is None:
        depth, height, width = geometry.voxel_size_mm or (1.0, 1.0, 1.0)
        affine = np.diag([-width, -height, depth, 1.0])
        affine[:2, 3] = width * (shape[1] // 2), height * (shape[0] // 2)
    stack = np.repeat(affine[None], len(image), axis=0)
    stack[:, :3, 3] += numbers[:, None] * affine[None, :3, 2]
    return stack

"""Checks that the values of projections are what they are called: counts, transmission, attenuation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.sinogram import Quantity

# Line integrals above 20 would mean transmissions below 2e-9; counts lie far above.
LARGEST_ATTENUATION = 20.0
# Share of a sinogram's samples at the largest number of their type that makes it saturated.
SATURATED = 0.05
# Of the deepest view or column: below the first a margin is empty, above the second it is not.
EMPTY, FILLED = 0.02, 0.5


def check_quantity(
    path: Path, quantity: Quantity, item: int, samples: NDArray, flat: NDArray | None = None
) -> None:
    """Raise ScanError where the values of one item, finite, (..., angle, column), contradict ``quantity``.

    Told apart by dtype, size, sign and the background at the detector's outermost columns: 0 for an
    attenuation, the brightest samples for counts and transmissions. Where that background fills the first
    and the last views in place of the outer columns, angle and column are swapped.
    """
    if quantity == "counts":
        problem = _not_counts(samples, flat)
    else:
        problem = {"transmission": _not_transmission, "attenuation": _not_attenuation}[quantity](samples)
    problem = problem or turned(quantity, samples)
    if problem:
        raise ScanError(f"{path.name}: {quantity} {problem} (item {item})")


def edge_value(samples: NDArray) -> float:
    """Median of the outermost columns, at least one on either side: the background if the object fits."""
    width = max(1, samples.shape[-1] // 50)
    return float(np.median(np.concatenate([samples[..., :width], samples[..., -width:]], axis=-1)))


def _not_counts(samples: NDArray, flat: NDArray | None) -> str | None:
    low, high = float(samples.min()), float(samples.max())
    scaled = flat is not None and float(flat.mean()) < LARGEST_ATTENUATION  # counts over a common number
    if samples.dtype.kind == "f" and high < LARGEST_ATTENUATION and not scaled:
        return (
            f"must be detector counts, got floats from {low:.3g} to {high:.3g}, which look like a "
            "transmission or an attenuation"
        )
    if low < -0.1 * high:
        return f"must not be negative, got values down to {low:.4g} (the largest is {high:.4g})"
    if samples.dtype.kind in "iu" and samples.dtype.itemsize <= 4:
        limit = np.iinfo(samples.dtype).max
        share = float(np.count_nonzero(samples == limit)) / samples.size
        if share > SATURATED:
            return (
                f"must be below the detector's limit, got {share:.0%} of the samples at {limit} (saturated)"
            )
    return None


def _not_transmission(samples: NDArray) -> str | None:
    middle, edge = float(np.median(samples)), edge_value(samples)
    if samples.dtype.kind in "iu" or middle > 2:
        return f"must be ratios I / I0 of 0 to 1, got {samples.dtype} with the median {middle:.4g}; counts?"
    bright = float(np.quantile(samples, 0.95))
    if edge < 0.05 * bright:
        return (
            f"must be about 1 beside the object, got {edge:.3g} in the outermost columns and up to "
            f"{bright:.3g} elsewhere; attenuation?"
        )
    return None


def _not_attenuation(samples: NDArray) -> str | None:
    if samples.dtype.kind in "iu":
        return f"must be line integrals in floats, got {samples.dtype} up to {samples.max()}; counts?"
    middle, edge = float(np.median(samples)), edge_value(samples)
    low, high = float(samples.min()), float(samples.max())
    if middle > LARGEST_ATTENUATION:
        return (
            f"must be line integrals (-log of the transmission), got the median {middle:.4g}; counts, or "
            "logarithms of another kind?"
        )
    bright = float(np.quantile(samples, 0.9))
    if low > 0 and high <= 1.2 and edge > 0.85 and edge >= 0.95 * bright and low < 0.9 * edge:
        return (
            f"must be about 0 beside the object, got {edge:.3g} in the outermost columns and {low:.3g} to "
            f"{high:.3g} in all; transmission?"
        )
    mean = float(samples.mean(dtype=np.float64))
    if mean < -0.05 * max(high, -low):
        return (
            f"must be positive within the object, got the mean {mean:.4g}; is the logarithm's sign missing?"
        )
    return None


def turned(quantity: Quantity, samples: NDArray) -> str | None:
    """What is wrong where an object is seen beside empty views, not beside empty columns; else None."""
    if min(samples.shape[-2:]) < 8:
        return None
    values = samples.reshape(-1, *samples.shape[-2:]).mean(axis=0, dtype=np.float64)
    depth = values if quantity == "attenuation" else np.quantile(values, 0.98) - values
    views, columns = depth.mean(axis=1), depth.mean(axis=0)
    if views.max() <= 0 or columns.max() <= 0:
        return None
    margin = max(1, len(views) // 50)
    beside = max(views[:margin].mean(), views[-margin:].mean()) / views.max()
    width = max(1, len(columns) // 50)
    within = min(columns[:width].mean(), columns[-width:].mean()) / columns.max()
    if beside < EMPTY and within > FILLED:
        return (
            f"must show the object in every view and nothing beside it, got empty first and last views and "
            f"outer columns of {within:.0%} of the deepest; the axes look swapped (angle and column)"
        )
    return None

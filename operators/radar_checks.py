"""Checks of a radar operator's arguments; each returns what the operator keeps, on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.base import check_trailing_axes


def checked_antennas(name: str, positions_m: Tensor) -> Tensor:
    """float64 (antenna, 3)."""
    positions = torch.as_tensor(positions_m).detach().cpu().double()
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise ValueError(f"{name} must have shape (antenna, 3), got {tuple(positions.shape)}")
    return _finite(name, positions)


def checked_frequencies(frequencies_hz: Tensor) -> Tensor:
    """float64 (frequency,)."""
    frequencies = torch.as_tensor(frequencies_hz).detach().cpu().double()
    if frequencies.ndim != 1 or len(frequencies) == 0:
        raise ValueError(f"frequencies_hz must have shape (frequency,), got {tuple(frequencies.shape)}")
    if not (frequencies > 0).all():
        raise ValueError(f"frequencies_hz must be positive, got a minimum of {float(frequencies.min())}")
    return _finite("frequencies_hz", frequencies)


def checked_pairs(
    pairs: Tensor | None, n_antennas: tuple[int, int], reference_range_m: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """int64 (pair, 2) and float64 (pair,), or None."""
    if pairs is None:
        if reference_range_m is not None:
            raise ValueError("pairs must be given with reference_range_m, got None")
        return None, None
    pairs = torch.as_tensor(pairs).detach().cpu()
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise ValueError(f"pairs must have shape (pair, 2), got {tuple(pairs.shape)}")
    if pairs.is_floating_point() or pairs.is_complex() or pairs.dtype == torch.bool:
        raise ValueError(f"pairs must be integers, got {pairs.dtype}")
    pairs = pairs.long()
    if pairs.min() < 0 or (pairs >= torch.tensor(n_antennas)).any():
        raise ValueError(
            f"pairs must be indices below {n_antennas} (transmitters, receivers), "
            f"got {pairs.amin(0).tolist()} to {pairs.amax(0).tolist()}"
        )
    if reference_range_m is None:
        return pairs, None
    reference = torch.as_tensor(reference_range_m).detach().cpu().double()
    if reference.shape != pairs.shape[:1]:
        raise ValueError(f"reference_range_m must have shape ({len(pairs)},), got {tuple(reference.shape)}")
    return pairs, _finite("reference_range_m", reference)


def checked_mask(mask: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """bool of the data's shape, or None."""
    if mask is None:
        return None
    mask = torch.as_tensor(mask).detach().cpu()
    if mask.dtype != torch.bool or mask.ndim != len(shape):
        raise ValueError(f"mask must be bool of shape {shape}, got {mask.dtype} of {tuple(mask.shape)}")
    check_trailing_axes("mask", mask, shape)
    return mask


def _finite(name: str, values: Tensor) -> Tensor:
    if not values.isfinite().all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return values

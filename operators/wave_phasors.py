"""Phasors exp(-2 pi i f tau) of many delays at many frequencies, with few evaluations of sine and cosine."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

SPEED_OF_LIGHT = 299_792_458.0  # m/s, by definition
# turns by which a frequency may be off the equispaced grid it is replaced by: below each precision's rounding
PHASE_TOLERANCE = {torch.complex64: 1e-7, torch.complex128: 1e-12}

Amplitude = Callable[[Tensor, Tensor], Tensor]
"""Real gain of an antenna at voxels, of their distance and height above it (z - z_antenna), metres."""


def spreading(distance: Tensor, height: Tensor) -> Tensor:
    """1 / d, one way of a spherical wave."""
    return 1 / distance


def equispaced(frequencies_hz: Tensor, longest_delay_s: float, dtype: torch.dtype) -> bool:
    """Whether the frequencies are an equispaced grid to within ``dtype``'s rounding of the phase."""
    n = len(frequencies_hz)
    if n < 2:
        return False
    first, last = frequencies_hz[0], frequencies_hz[-1]
    grid = first + (last - first) / (n - 1) * torch.arange(n, dtype=torch.float64)
    off = float((grid - frequencies_hz).abs().max())
    return off * longest_delay_s <= PHASE_TOLERANCE[dtype]


def phasors(
    delay_s: Tensor, frequencies_hz: Tensor, dtype: torch.dtype, *, regular: bool, amplitude: Tensor | None
) -> Tensor:
    """amplitude exp(-2 pi i f tau), (frequency, *delay's shape), complex ``dtype``.

    Args:
        delay_s: float64; phases are reduced to one turn in float64, whatever ``dtype`` is.
        regular: the frequencies are equispaced: sine and cosine are taken of the first and of steps by
            1, 2, 4, ... frequencies only, and the rest multiplied from these. An entry is a product of at
            most 1 + log2(frequencies) exact factors, so that is how many roundings it has.
    """
    frequencies: list[float] = frequencies_hz.tolist()
    n = len(frequencies)
    out = torch.empty((n, *delay_s.shape), dtype=dtype, device=delay_s.device)
    if not regular:
        for row, frequency in zip(out, frequencies, strict=True):
            row.copy_(_polar(delay_s * frequency, amplitude, dtype))
        return out
    out[0] = _polar(delay_s * frequencies[0], amplitude, dtype)
    step = (frequencies[-1] - frequencies[0]) / max(n - 1, 1)
    done = 1
    while done < n:
        more = min(done, n - done)
        turn = _polar(delay_s * (step * done), None, dtype)
        torch.mul(out[:more], turn, out=out[done : done + more])
        done += more
    return out


def _polar(turns: Tensor, amplitude: Tensor | None, dtype: torch.dtype) -> Tensor:
    """amplitude exp(-2 pi i turns)."""
    real = torch.float32 if dtype == torch.complex64 else torch.float64
    angle = (turns.round() - turns).to(real).mul_(2 * math.pi)
    phasor = torch.complex(angle.cos(), angle.sin())  # faster than torch.polar
    return phasor if amplitude is None else phasor.mul_(amplitude.to(real))

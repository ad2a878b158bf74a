"""Radar measurements in memory: frequency responses between antennas, and where these stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AntennaGeometry:
    """Antennas in metres, frequencies in hertz.

    Attributes:
        transmitters_m: float64 (transmitter, 3), (x, y, z).
        receivers_m: float64 (receiver, 3); for monostatic measurements equal to ``transmitters_m``.
        pairs: int64 (pair, 2), transmitter and receiver index of each measured channel.
        frequencies_hz: float64 (frequency,), ascending.
        reference_range_m: float64 (pair,), one-way range that the phase was already compensated for
            (motion compensation to a scene centre, as SAR phase histories have it): the sample's phase
            is that of exp(-jk (d_T + d_R - 2 r)); None where there is none.
    """

    transmitters_m: NDArray[np.float64]
    receivers_m: NDArray[np.float64]
    pairs: NDArray[np.int64]
    frequencies_hz: NDArray[np.float64]
    reference_range_m: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class RadarCube:
    """Frequency responses of one or more scenes; all items share the antennas.

    Attributes:
        samples: complex (item, frequency, pair), time convention exp(+jwt): a wave that travelled d has
            the phase exp(-jkd). Unit as in the file (S-parameters have none).
        background: complex (item, frequency, pair), the same array without the target or rotated, to be
            subtracted; None if none came with the scan.
        noise: complex (n,), noise alone, or None.
    """

    samples: NDArray[np.complexfloating]
    geometry: AntennaGeometry
    labels: tuple[str, ...]
    background: NDArray[np.complexfloating] | None = None
    noise: NDArray[np.complexfloating] | None = None
    source: Mapping[str, str] = field(default_factory=dict)

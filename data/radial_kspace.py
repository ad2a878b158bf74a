"""Non-Cartesian MRI measurements in memory: readouts along a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry


@dataclass(frozen=True)
class RadialKSpace:
    """Samples of spokes (or any other readouts) of one or more items; all items share the trajectory.

    Attributes:
        samples: complex (item, coil, spoke, readout), arbitrary units.
        trajectory: float32 or float64 (spoke, readout, 2), (ky, kx) in cycles per field of view of
            ``geometry.matrix``: one unit is the distance between samples of a Cartesian grid of that
            field of view. Radial readouts with oversampling reach the same range in finer steps.
        geometry: ``matrix`` (y, x) of the intended image, its field of view in mm where known.
        labels: what each item is.
        noise: complex (coil, n) noise alone, or None.
        reference: (item, y, x) image that came with the scan, or None.
        source: where the data came from: title, origin, licence, changes.

    Example: 512 samples over a readout of twice the field of view of a 256 x 256 image run from -128 to
    127.5 in steps of 0.5.
    """

    samples: NDArray[np.complexfloating]
    trajectory: NDArray[np.floating]
    geometry: Geometry
    labels: tuple[str, ...]
    noise: NDArray[np.complexfloating] | None = None
    reference: NDArray[np.inexact] | None = None
    source: Mapping[str, str] = field(default_factory=dict)

"""The unit of an ISMRMRD trajectory, which the format leaves open, by how far it reaches."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.ismrmrd_header import Encoding

# A trajectory reaches the edge of the encoded k-space, or nearly: shorter ones are called unknown.
LEAST_REACH, MOST_REACH = 0.6, 1.03
# Of several units, the only one whose edge it reaches: cycles/m and cycles per field of view lie close.
FULL_REACH = 0.97


def normalised_trajectory(
    path: Path, written: NDArray[np.float32], encoding: Encoding
) -> tuple[NDArray[np.float32], str]:
    """``written`` (..., 2), (ky, kx), in cycles per field of view of the image, and the unit found.

    The edge of k-space encoded with n pixels of size p lies at 0.5 cycles/sample, pi rad/sample, n / 2
    cycles per encoded field of view (the readout's, which turns with the spokes), 1 / (2p) cycles/m or
    pi / p rad/m. The unit is the one whose edge the trajectory's largest value comes to, within 0.6 to
    1.03 times, or of several the only one within 0.97 to 1.03; the image's field of view may be smaller than
    the encoded one, of the same pixels.

    Raises ScanError if none fits, or several do.
    """
    reach = np.abs(written).reshape(-1, 2).max(axis=0).astype(float)
    image = np.array(encoding.image_matrix[1:], dtype=float)
    # Cycles per sample that the unit's value 1 stands for, along y and x.
    units = {
        "cycles/sample": np.ones(2),
        "rad/sample": np.full(2, 1 / (2 * math.pi)),
        "cycles per encoded field of view": np.full(2, 1 / encoding.encoded_matrix[2]),
    }
    if encoding.voxel_size_mm is not None:
        pixel = np.array(encoding.voxel_size_mm[1:]) * 1e-3
        units |= {"cycles/m": pixel, "rad/m": pixel / (2 * math.pi)}
    edge = {name: float((reach * scale).max() / 0.5) for name, scale in units.items()}
    fitting = [name for name, share in edge.items() if LEAST_REACH <= share <= MOST_REACH]
    full = [name for name in fitting if edge[name] >= FULL_REACH]
    fitting = full if len(full) == 1 else fitting
    if len(fitting) != 1:
        found = f"several: {', '.join(fitting)}" if fitting else "none of " + ", ".join(units)
        raise ScanError(
            f"{path.name}: trajectory must reach the edge of the encoded matrix "
            f"{encoding.encoded_matrix[1:]} (y, x) in one known unit, got values up to "
            f"{reach.round(4).tolist()} (ky, kx), which fit {found}"
        )
    scale = (units[fitting[0]] * image).astype(np.float32)
    return np.ascontiguousarray(written * scale), fitting[0]

"""Sensitivities of real coils for a simulated scan: those of the sample ``brain-13coil``."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter, map_coordinates

from proxflow.data.open_scan import open_scan
from proxflow.models.calibration.coil_compression import apply_coil_matrix, compression_matrix
from proxflow.models.calibration.espirit import espirit

SAMPLE = "sample://brain-13coil"
MOST_COILS = 8
WIDTHS = (2.0, 8.0, 32.0)  # pixels of the sample: of the Gaussians that carry the maps outwards
RIM = 10  # pixels of the head left out: there the maps are uncertain, or the head is folded in
LEAST = 1e-3  # share of a Gaussian's weight that must lie on the head


def real_coil_maps(n_coils: int, size: int) -> NDArray[np.complex128]:
    """S (coil, J, J), sum_c |S_c|^2 = 1 in every pixel: smooth everywhere, also where the sample shows air.

    The 13 coils of the sample are compressed to ``n_coils`` virtual ones, their maps estimated by ESPIRiT,
    those in the head carried outwards by Gaussian averages of those nearby, and the box around the head is
    stretched over the J x J pixels. So the coils look as they do around a head, whatever is imaged.

    Raises ValueError if ``n_coils`` is not 1 to 8 or ``size`` below 8.
    """
    if not 1 <= n_coils <= MOST_COILS:
        raise ValueError(f"coils must lie between 1 and {MOST_COILS}, got {n_coils}")
    if size < 8:
        raise ValueError(f"size must be at least 8, got {size}")
    maps = _head_maps(n_coils)
    at = [np.linspace(0, n - 1, size) for n in maps.shape[1:]]
    grid = np.stack(np.meshgrid(*at, indexing="ij"))
    stretched = np.stack(
        [map_coordinates(m.real, grid, order=1) + 1j * map_coordinates(m.imag, grid, order=1) for m in maps]
    )
    return np.asarray(stretched / np.linalg.norm(stretched, axis=0))


@cache
def _head_maps(n_coils: int) -> NDArray[np.complex128]:
    """The maps in the box around the head, (coil, y, x)."""
    with open_scan(SAMPLE) as scan:
        kspace = torch.from_numpy(scan.read([0]).samples[0])
    matrix, _ = compression_matrix(kspace, n_coils)
    estimated, _ = espirit(apply_coil_matrix(matrix, kspace))
    maps = estimated.numpy().astype(np.complex128)
    head = binary_erosion((maps != 0).any(axis=0), iterations=RIM)
    maps = np.where(head, maps, 0)
    filled = maps.copy()
    missing = ~head
    for width in WIDTHS:
        weight = gaussian_filter(head.astype(np.float64), width)
        reached = missing & (weight > LEAST)
        for full, one in zip(filled, maps, strict=True):
            smooth = gaussian_filter(one.real, width) + 1j * gaussian_filter(one.imag, width)
            full[reached] = (smooth / np.where(reached, weight, 1))[reached]
        missing &= ~reached
    filled = np.stack([gaussian_filter(m.real, 1.5) + 1j * gaussian_filter(m.imag, 1.5) for m in filled])
    rows, columns = (np.flatnonzero(head.any(axis=axis)) for axis in (1, 0))
    return filled[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

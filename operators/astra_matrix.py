"""ASTRA's projectors as sparse matrices; the one module that imports ASTRA (GPL-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse


def parallel_beam_matrix(
    shape: tuple[int, int], angles_rad: np.ndarray, n_columns: int, column_size: float
) -> scipy.sparse.csr_matrix:
    """Line integrals of ASTRA's CPU "linear" (Joseph) projector, float32 (angle column, y x).

    ``column_size`` and the lengths in the result are in pixels. The image is centred on the axis of
    rotation, row 0 at the top, and so is the detector; angles turn counter-clockwise. ASTRA takes
    seconds to write the matrix down, 8 bytes per non-zero: about 1.5 n^2 per angle for n x n pixels.
    Source: van Aarle et al., Ultramicroscopy 157:35 (2015).
    """
    import astra

    volume = astra.create_vol_geom(*shape)
    rays = astra.create_proj_geom("parallel", column_size, n_columns, angles_rad)
    projector = astra.create_projector("linear", rays, volume)
    try:
        matrix = astra.projector.matrix(projector)
        try:
            return astra.matrix.get(matrix).astype(np.float32)
        finally:
            astra.matrix.delete(matrix)
    finally:
        astra.projector.delete(projector)

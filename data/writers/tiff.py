"""Export an image as a float TIFF stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_stack import check_image, slices_and_frames


def write_tiff(path: str | Path, image: NDArray, *, geometry: Geometry) -> Path:
    """Write the magnitude of image (item, y, x) as float32 pages, one per item; return ``path``.

    Items are slices (axes ZYX), or the frames of one slice (TYX) or of several (ZTYX).
    Pixel sizes are given as TIFF resolution (pixels per cm) where known.
    """
    path = Path(path)
    magnitude = np.abs(check_image(image, geometry)).astype(np.float32)
    resolution = None
    if geometry.voxel_size_mm is not None:
        _, height, width = geometry.voxel_size_mm
        resolution = (10 / width, 10 / height)
    n_slices, n_frames = slices_and_frames(geometry, len(magnitude))
    axes = "ZYX" if n_frames == 1 else "TYX"
    if n_slices > 1 and n_frames > 1:
        axes, magnitude = "ZTYX", magnitude.reshape(n_slices, n_frames, *magnitude.shape[1:])
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            magnitude,
            photometric="minisblack",
            metadata={"axes": axes},
            resolution=resolution,
            resolutionunit="CENTIMETER" if resolution else None,
        )
    return path

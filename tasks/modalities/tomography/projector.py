"""The forward model of a tomographic scan."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from proxflow.data.kspace import Geometry
from proxflow.data.sinogram import ScanGeometry
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.ray_transform import Backend

Projector: TypeAlias = ParallelBeam | FanBeam | ConeBeam


def projector(
    geometry: ScanGeometry,
    image: Geometry,
    shape: tuple[int, ...],
    axis_column: float,
    *,
    planes: int = 1,
    backend: Backend = "auto",
    angles: np.ndarray | None = None,
    memory_bytes: int | None = None,
) -> Projector:
    """The operator of the scan: image (y, x) to (angle, column), or (z, y, x) to (row, angle, column).

    shape: of one item's samples. angles: bool (angle,), the views wanted; all if None. memory_bytes: for a
    sparse matrix.
    """
    chosen = geometry.angles_rad if angles is None else geometry.angles_rad[angles]
    voxel = image.voxel_size_mm
    assert voxel is not None and geometry.column_size_mm is not None
    offset = ((shape[-1] - 1) / 2 - axis_column) * geometry.column_size_mm
    if geometry.beam == "parallel":
        return ParallelBeam(
            image.matrix,
            chosen,
            shape[-1],
            pixel_size_mm=voxel[2],
            column_size_mm=geometry.column_size_mm,
            detector_offset_mm=offset,
            backend=backend,
            memory_bytes=memory_bytes,
        )
    assert geometry.source_origin_mm is not None and geometry.source_detector_mm is not None
    if geometry.beam == "cone":
        return ConeBeam(
            (planes, *image.matrix),
            chosen,
            (shape[0], shape[-1]),
            source_origin_mm=geometry.source_origin_mm,
            source_detector_mm=geometry.source_detector_mm,
            column_size_mm=geometry.column_size_mm,
            row_size_mm=geometry.row_size_mm,
            voxel_size_mm=voxel[2],
            detector_offset_mm=(0.0, offset),
            backend=backend,
            memory_bytes=memory_bytes,
        )
    return FanBeam(
        image.matrix,
        chosen,
        shape[-1],
        source_origin_mm=geometry.source_origin_mm,
        source_detector_mm=geometry.source_detector_mm,
        column_size_mm=geometry.column_size_mm,
        pixel_size_mm=voxel[2],
        detector="curved" if geometry.beam == "fan-curved" else "flat",
        detector_offset_mm=offset,
        backend=backend,  # type: ignore[arg-type]
    )

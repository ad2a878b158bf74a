"""The forward model of a tomographic scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np

from proxflow.data.kspace import Geometry
from proxflow.data.sinogram import ScanGeometry
from proxflow.data.store.artefact import Artefact
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.ray_transform import Backend
from proxflow.tasks.calls import Machine
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import NO_STORE
from proxflow.tasks.modalities.tomography.geometry import scan_geometry_from_json
from proxflow.tasks.modalities.tomography.matrix_cache import stored_matrices
from proxflow.tasks.stages.documents import geometry_from_json

Projector: TypeAlias = ParallelBeam | FanBeam | ConeBeam


class Projectors:
    """The forward models of a calibrated scan, for any choice of its views.

    The last one is kept, since all items share it and setting it up takes as long as using it. A sparse
    matrix is kept in the store for the views that a method is given: those of a hold-out are used once.
    """

    def __init__(self, prepared: Artefact, calibrated: Artefact, machine: Machine) -> None:
        self._scan, self._made = prepared.document("scan"), calibrated.document("calibration")
        self._shape, self._given = prepared.shape("samples")[1:], prepared.array("mask")
        self._machine = machine
        self._last: tuple[bytes, Projector] | None = None

    def of(self, views: np.ndarray) -> Projector:
        """The operator of the views bool (angle,), on the device."""
        if self._last is None or self._last[0] != views.tobytes():
            self._last = None  # two would not fit where one takes all the memory it may
            self._last = views.tobytes(), self._set_up(views)
        return self._last[1]

    def _set_up(self, views: np.ndarray) -> Projector:
        keeps = np.array_equal(views, self._given)
        return projector(
            scan_geometry_from_json(self._scan["acquisition"]),
            geometry_from_json(self._scan["geometry"]),
            self._shape,
            self._made["axis_column"],
            planes=self._scan["planes"],
            backend=self._made["backend"],
            angles=views,
            machine=self._machine if keeps else replace(self._machine, store_root=""),
        ).to(self._machine.device)


def projector(
    geometry: ScanGeometry,
    image: Geometry,
    shape: tuple[int, ...],
    axis_column: float,
    *,
    planes: int = 1,
    backend: Backend = "auto",
    angles: np.ndarray | None = None,
    machine: Machine = NO_STORE,
) -> Projector:
    """The operator of the scan: image (y, x) to (angle, column), or (z, y, x) to (row, angle, column).

    shape: of one item's samples. angles: bool (angle,), the views wanted; all if None. machine: gives a
    sparse matrix its memory and its place in the store.
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
            memory_bytes=machine.memory_bytes,
            matrix_cache=stored_matrices(machine),
        )
    assert geometry.source_origin_mm is not None and geometry.source_detector_mm is not None
    if geometry.beam == "cone":
        if backend == "matrix":
            raise RequestError("calibrate.backend must be auto, rays or torch for a cone beam, got matrix")
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
        backend=backend,
        memory_bytes=machine.memory_bytes,
        matrix_cache=stored_matrices(machine),
    )

"""Everything a report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from proxflow.models.metrics.value import MetricValue


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run; ``cached`` where its artefact was found, not computed."""

    name: str
    key: str
    cached: bool
    seconds: float
    peak_memory_bytes: int | None
    device: str


@dataclass(frozen=True)
class MethodResult:
    """One reconstruction.

    image: complex (item, y, x), the unit of the reference.
    trace: real (iteration,) of the first item under "objective", "relative_change" and
    "data_residual"; a key may be missing, and the objective NaN, where a method has none.
    """

    name: str
    image: np.ndarray
    metrics: dict[str, MetricValue]
    trace: dict[str, np.ndarray]
    config: dict[str, Any]
    seconds: float
    n_iter: int


@dataclass(frozen=True)
class ReportInputs:
    """A run as the report tells it. Raises ValueError where arrays do not fit each other.

    reference: real or complex (item, y, x).  region: bool (y, x) or (item|1, y, x), the pixels
    the metrics were computed on, in words ``region_text``.  coil_maps: complex (coil, y, x).
    mask: bool (ky, kx).  acceleration: positions per sample.  notes: plain sentences to print, as how
    the numbers of the methods were set.  voxel_size_mm: ending in (y, x), mm.
    """

    title: str
    recipe_name: str
    modality: str
    methods: tuple[MethodResult, ...]
    reference: np.ndarray | None
    region: np.ndarray | None
    region_text: str
    coil_maps: np.ndarray | None
    mask: np.ndarray | None
    acceleration: float | None
    notes: tuple[str, ...]
    item_labels: tuple[str, ...]
    stages: tuple[StageRecord, ...]
    provenance: dict[str, str]
    recipe_yaml: str
    command: str
    voxel_size_mm: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.methods:
            raise ValueError("methods must hold at least one result, got none")
        shape = self.methods[0].image.shape
        if len(shape) != 3 or 0 in shape:
            raise ValueError(
                f"image of {self.methods[0].name} must have axes (item, y, x), got shape {shape}"
            )
        for method in self.methods:
            if method.image.shape != shape:
                raise ValueError(f"image of {method.name} must have shape {shape}, got {method.image.shape}")
        names = [method.name for method in self.methods]
        if len(set(names)) != len(names):
            raise ValueError(f"method names must differ, got {names}")
        if self.reference is not None and self.reference.shape != shape:
            raise ValueError(f"reference must have shape {shape}, got {self.reference.shape}")
        if len(self.item_labels) != shape[0]:
            raise ValueError(f"item_labels must number {shape[0]}, got {len(self.item_labels)}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(item, y, x)."""
        n_items, ny, nx = self.methods[0].image.shape
        return n_items, ny, nx

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics of any method, in the order first met."""
        return tuple(dict.fromkeys(name for method in self.methods for name in method.metrics))

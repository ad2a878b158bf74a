"""Everything a report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from proxflow.models.methods.certificate import Certificate
from proxflow.models.metrics.value import MetricValue
from proxflow.tasks.report.series import Series
from proxflow.tasks.report.volumes import Volumes


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run; ``cached`` where its artefact was found, not computed. None: not measured."""

    name: str
    key: str
    cached: bool
    seconds: float
    peak_memory_bytes: int | None
    device: str
    bytes_read: int | None = None
    bytes_written: int | None = None


class MapPictures(NamedTuple):
    """What a method returned beside its image.

    pictures: real (picture, y, x), those that are shown of the image, in its unit.  text: what it is.
    """

    pictures: np.ndarray
    text: str


@dataclass(frozen=True)
class MethodResult:
    """One reconstruction.

    image: real or complex (picture, y, x), the pictures that are shown, in the unit of the reference.
    metrics: over all items of the run, with one number per item or none.
    trace: real (iteration,) of the first item under "objective", "relative_change" and
    "data_residual"; a key may be missing, and the objective NaN, where a method has none. Other keys are
    figures of the method's own.
    curves: what else it found of the first item, by name, see ``Reconstruction``.  maps: of the image.
    certificates: one per item of the run, or none.
    """

    name: str
    image: np.ndarray
    metrics: dict[str, MetricValue]
    trace: dict[str, np.ndarray]
    config: dict[str, Any]
    seconds: float
    n_iter: int
    curves: Mapping[str, list[list[float]]] = field(default_factory=dict)
    maps: Mapping[str, MapPictures] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class ReportInputs:
    """A run as the report tells it. Raises ValueError where arrays do not fit each other.

    A run has items, named by ``item_labels``; the page has pictures of some of them: picture k is of
    item ``shown[k]`` and is called ``shown_labels[k]``. Several pictures may be of one item.

    reference: real or complex (picture, y, x).  region: bool (y, x) or (picture|1, y, x), the pixels
    the metrics were computed on, in words ``region_text``.  outline: uint8 (picture, y, x), labels
    whose borders are drawn over the images; ``outline_text`` says what they are.
    unit: of the images' values.  decibels: range below each method's peak in which magnitudes are
    shown; None shows values.
    measured_text: what was measured, in place of the number of coils.  coil_maps: complex (coil, y, x).
    mask: bool (y, x), what was sampled.  samples: real (y, x), a picture of the measurement.
    acceleration: positions per sample.  notes: plain sentences to print, as how the numbers of the
    methods were set.  item_shape: size of an item, (y, x) or (z, y, x), that of the pictures unless
    given; pictures of volumes have square pixels.  voxel_size_mm: ending in those axes, mm.
    series: of a run whose items are series in time, what is shown of one beyond the pictures; picture k is
    then frame ``shown_frames[k]``, from 0, of its item.
    volumes: of a run whose pictures are projections of volumes, one item's to cut and render, in
    ``decibels``.
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
    shown: tuple[int, ...]
    shown_labels: tuple[str, ...]
    stages: tuple[StageRecord, ...]
    provenance: dict[str, str]
    recipe_yaml: str
    command: str
    voxel_size_mm: tuple[float, ...] | None = None
    item_shape: tuple[int, ...] | None = None
    unit: str = ""
    decibels: float | None = None
    outline: np.ndarray | None = None
    outline_text: str = ""
    measured_text: str = ""
    mask_text: str = ""
    samples: np.ndarray | None = None
    samples_text: str = ""
    series: Series | None = None
    shown_frames: tuple[int, ...] = ()
    volumes: Volumes | None = None

    def __post_init__(self) -> None:
        self._check_methods()
        self._check_items()
        shape = self.shape
        for name, array in (("reference", self.reference), ("outline", self.outline)):
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        if self.outline is not None and self.outline.dtype != np.uint8:
            raise ValueError(f"outline must be uint8, got {self.outline.dtype}")
        fitting = (shape[1:], (1, *shape[1:]), shape)
        if self.region is not None and self.region.shape not in fitting:
            raise ValueError(f"region must have shape {shape[1:]} or {shape}, got {self.region.shape}")
        if self.samples is not None and (self.samples.ndim != 2 or np.iscomplexobj(self.samples)):
            raise ValueError(
                f"samples must be real (y, x), got {self.samples.dtype} of shape {self.samples.shape}"
            )
        if self.decibels is not None and not self.decibels > 0:
            raise ValueError(f"decibels must be above 0, got {self.decibels}")
        self._check_volumes()

    def _check_methods(self) -> None:
        if not self.methods:
            raise ValueError("methods must hold at least one result, got none")
        shape = self.methods[0].image.shape
        if len(shape) != 3 or 0 in shape:
            raise ValueError(
                f"image of {self.methods[0].name} must have axes (picture, y, x), got shape {shape}"
            )
        for method in self.methods:
            if method.image.shape != shape:
                raise ValueError(f"image of {method.name} must have shape {shape}, got {method.image.shape}")
            for name, (pictures, _) in method.maps.items():
                if pictures.shape != shape or np.iscomplexobj(pictures):
                    raise ValueError(
                        f"{name} of {method.name} must be real of shape {shape}, got {pictures.dtype} "
                        f"{pictures.shape}"
                    )
        names = [method.name for method in self.methods]
        if len(set(names)) != len(names):
            raise ValueError(f"method names must differ, got {names}")

    def _check_items(self) -> None:
        n_pictures = self.shape[0]
        for name, entries in (("shown", self.shown), ("shown_labels", self.shown_labels)):
            if len(entries) != n_pictures:
                raise ValueError(f"{name} must number {n_pictures}, got {len(entries)}")
        if not all(0 <= item < self.n_items for item in self.shown):
            raise ValueError(f"shown must be of the {self.n_items} item_labels, got {self.shown}")
        self._check_series()
        for method in self.methods:
            for value in method.metrics.values():
                if len(value.per_item) not in (0, self.n_items):
                    raise ValueError(
                        f"per_item of {value.name} of {method.name} must number 0 or {self.n_items}, "
                        f"got {len(value.per_item)}"
                    )

    def _check_series(self) -> None:
        if self.series is None:
            if self.shown_frames:
                raise ValueError(f"shown_frames must be of a series, got {self.shown_frames} without one")
            return
        if len(self.shown_frames) != self.shape[0] or self.decibels is not None:
            raise ValueError(
                f"a series must have a frame for each of {self.shape[0]} pictures, and no decibels, got "
                f"{self.shown_frames}, {self.decibels}"
            )
        if len(self.series.methods) != len(self.methods) or not 0 <= self.series.item < self.n_items:
            raise ValueError(
                f"series must be of one of {self.n_items} items by {len(self.methods)} methods, got item "
                f"{self.series.item} by {len(self.series.methods)}"
            )
        wanted = [self.series.n_frames] * self.n_items
        for method in self.methods:
            for value in method.metrics.values():
                counts = [len(frames) for frames in value.per_frame]
                if counts and counts != wanted:
                    raise ValueError(
                        f"per_frame of {value.name} of {method.name} must number {wanted}, got {counts}"
                    )

    def _check_volumes(self) -> None:
        if self.volumes is None:
            return
        if self.decibels is None:
            raise ValueError("volumes must be shown in decibels, got none")
        if len(self.volumes.methods) != len(self.methods) or not 0 <= self.volumes.item < self.n_items:
            raise ValueError(
                f"volumes must be of one of {self.n_items} items by {len(self.methods)} methods, got item "
                f"{self.volumes.item} by {len(self.volumes.methods)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(picture, y, x)."""
        n_pictures, ny, nx = self.methods[0].image.shape
        return n_pictures, ny, nx

    @property
    def preview(self) -> int:
        """The picture that stands for the run: the middle one of the first item's slices, else the first."""
        if self.series is not None or self.decibels is not None:
            return 0
        return self.shown.count(self.shown[0]) // 2

    @property
    def n_items(self) -> int:
        """Items of the run, shown or not."""
        return len(self.item_labels)

    @property
    def size(self) -> tuple[int, ...]:
        """Size of an item, (y, x) or (z, y, x)."""
        return self.shape[1:] if self.item_shape is None else self.item_shape

    @property
    def aspect(self) -> float:
        """Width over height of a picture as the object has it."""
        _, ny, nx = self.shape
        if self.voxel_size_mm is None or len(self.size) == 3:
            return nx / ny
        dy, dx = self.voxel_size_mm[-2:]
        return (nx * dx) / (ny * dy)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics of any method, in the order first met."""
        return tuple(dict.fromkeys(name for method in self.methods for name in method.metrics))

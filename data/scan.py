"""What every reader offers: a scan's description at once, its samples item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.dynamic_sinogram import DynamicSinogram, FrameGeometry
from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.printable import printable
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.sinogram import Quantity, ScanGeometry, Sinogram
from proxflow.data.still_picture import StillPicture

Measurement = KSpace | RadialKSpace | DynamicKSpace | Sinogram | DynamicSinogram | RadarCube | StillPicture
Modality = Literal["mri-cartesian", "mri-radial", "mri-dynamic", "ct", "ct-dynamic", "radar", "image"]
AXES: dict[Modality, tuple[str, ...]] = {
    "mri-cartesian": ("item", "coil", "ky", "kx"),
    "mri-radial": ("item", "coil", "spoke", "readout"),
    "mri-dynamic": ("item", "frame", "coil", "spoke", "readout"),
    "ct": ("item", "angle", "column"),
    "ct-dynamic": ("item", "frame", "view", "column"),
    "radar": ("item", "frequency", "pair"),
    "image": ("item", "y", "x"),
}


@dataclass(frozen=True, kw_only=True)
class ScanInfo:
    """A scan as its header tells it, without reading the samples.

    ``shape`` is that of the samples as ``Scan.read`` returns them, its axes as ``AXES`` names them (a cone
    scan has (item, row, angle, column)); ``file_bytes`` counts all files the scan is made of,
    ``companions`` are those beside ``path``; ``notes`` are sentences for the user on what the reader did or
    left out. ``frame_labels`` tell what the frames of a series are, () where only their order is known;
    ``has_trajectory`` that its samples lie along spokes, not on a grid; ``has_maps`` that coil maps came with
    it. ``geometry`` is the image an MRI scan is meant for; ``acquisition`` how a CT or radar scan was taken,
    ``quantity`` what a CT scan's samples are; ``has_fields`` tells of dark and flat fields (CT) or a
    background (radar). ``held_bytes`` is the most that an open scan of pictures holds beside what is read of
    it, where the file's form has to be read as a whole.
    """

    path: Path
    format: str
    shape: tuple[int, ...]
    dtype: str
    labels: tuple[str, ...]
    file_bytes: int
    modality: Modality = "mri-cartesian"
    geometry: Geometry | None = None
    acquisition: ScanGeometry | FrameGeometry | AntennaGeometry | None = None
    quantity: Quantity | None = None
    has_mask: bool = False
    has_noise: bool = False
    has_reference: bool = False
    has_fields: bool = False
    has_trajectory: bool = False
    has_maps: bool = False
    frame_labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    companions: tuple[Path, ...] = ()
    held_bytes: int = 0

    def __post_init__(self) -> None:
        """What the file says in words reaches terminals, logs and reports: make it printable."""
        for name in ("labels", "frame_labels", "notes"):
            object.__setattr__(self, name, tuple(printable(text) for text in getattr(self, name)))
        source = {printable(name): printable(text) for name, text in self.source.items()}
        object.__setattr__(self, "source", source)

    @property
    def n_items(self) -> int:
        return self.shape[0]

    @property
    def image_geometry(self) -> Geometry:
        """``geometry`` of a scan that has one: an MRI scan."""
        assert self.geometry is not None, self.modality
        return self.geometry

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of ``shape``."""
        names = AXES[self.modality]
        if self.modality == "mri-dynamic" and not self.has_trajectory:
            return ("item", "frame", "coil", "ky", "kx")
        return names if len(names) == len(self.shape) else ("item", "row", "angle", "column")


class Scan(Protocol):
    """An open scan. Use it as a context manager, or ``close`` it."""

    info: ScanInfo

    def read(self, items: Sequence[int] | None = None) -> Measurement:
        """The named items in the named order, read from disk now; None means all of them.

        Raises ScanError if an item does not exist or its samples make no sense.
        """
        ...

    def close(self) -> None:
        """Close the files."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def chosen_items(info: ScanInfo, items: Sequence[int] | None) -> list[int]:
    """``items`` as a checked list, all items for None; raises ScanError naming the valid range."""
    if items is None:
        return list(range(info.n_items))
    if len(items) == 0:
        raise ScanError(f"items must name at least one item of {info.path.name}, got none")
    for item in items:
        if not 0 <= item < info.n_items:
            raise ScanError(f"items must be in 0 to {info.n_items - 1} for {info.path.name}, got {item}")
    return [int(item) for item in items]

"""The YAML or JSON file beside projections in TIFF or NumPy form that says how they were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.projections import row_labels
from proxflow.data.readers.sidecar_fields import (
    axes_field,
    choice_field,
    labels_field,
    number_field,
    range_field,
    read_fields,
    source_field,
    text_field,
)
from proxflow.data.sinogram import Beam, Quantity, ScanGeometry
from proxflow.data.validate_angles import AngleUnit, check_angles
from proxflow.data.validate_sinogram import check_scan_geometry

AXES = ("angle", "row", "column")
LENGTHS = ("column_size_mm", "row_size_mm", "source_origin_mm", "source_detector_mm")
KEYS = (
    *("modality", "axes", "quantity", "angles_deg", "angles_rad", "beam", *LENGTHS, "axis_column"),
    *("samples", "dark", "flat", "labels", "source"),
)


@dataclass(frozen=True)
class SinogramSidecar:
    """What a CT sidecar says; see docs/file-format.md.

    ``axes`` holds angle, column and perhaps row, in the array's order. ``samples``, ``dark``, ``flat``
    are keys of an .npz; ``dark`` and ``flat`` are otherwise files beside the sidecar.
    """

    path: Path
    axes: tuple[str, ...]
    quantity: Quantity
    beam: Beam
    angles: NDArray[np.float64]
    unit: AngleUnit
    lengths: Mapping[str, float]
    content: Mapping[str, Any]
    axis_column: float | None = None
    samples: str = "samples"
    dark: str | None = None
    flat: str | None = None
    source: dict[str, str] = field(default_factory=dict)

    def labels(self, n_items: int) -> tuple[str, ...]:
        """One label per item: those given, else the rows' numbers; raises ScanError if they do not fit."""
        if self.content.get("labels") is None:
            return row_labels(self.beam, n_items)
        return labels_field(self.path, self.content, n_items)

    def geometry(self, shape: Sequence[int]) -> tuple[ScanGeometry, tuple[str, ...]]:
        """The geometry for samples of ``shape``, in the order of ``axes``, and notes for the user.

        Raises ScanError if angles and axes do not fit, or the lengths contradict each other.
        """
        sizes = dict(zip(self.axes, shape, strict=True))
        angles, notes = check_angles(self.path, f"angles_{self.unit}", self.angles, self.unit, sizes)
        geometry = ScanGeometry(self.beam, angles, axis_column=self.axis_column, **self.lengths)
        return geometry, notes + check_scan_geometry(self.path, geometry, sizes["column"])


def read_sinogram_sidecar(target: Path) -> SinogramSidecar:
    """The sidecar of ``target``; raises ScanError if absent, unreadable or unsound."""
    says = "'modality: ct', axes, quantity and angles"
    path, content = read_fields(target, "ct", KEYS, says=says)
    lengths = {key: number_field(path, key, content[key]) for key in LENGTHS if content.get(key) is not None}
    axis = content.get("axis_column")
    beam = cast(Beam, choice_field(path, content, "beam", get_args(Beam), "parallel"))
    if lengths.keys() & {"source_origin_mm", "source_detector_mm"} and beam == "parallel":
        raise ScanError(
            f"{path.name}: beam must be fan, fan-curved or cone where a source is given, got parallel"
        )
    axes = axes_field(path, content.get("axes"), (("angle", "column"),), ("row",))
    if beam == "cone" and "row" not in axes:
        raise ScanError(f"{path.name}: axes of a cone beam must name angle, row and column, got {axes}")
    unit, angles = _angles(path, content)
    return SinogramSidecar(
        path=path,
        axes=axes,
        quantity=cast(Quantity, choice_field(path, content, "quantity", get_args(Quantity))),
        beam=beam,
        angles=angles,
        unit=unit,
        lengths=lengths,
        content=content,
        axis_column=None if axis is None else number_field(path, "axis_column", axis),
        samples=text_field(path, content, "samples") or "samples",
        dark=text_field(path, content, "dark"),
        flat=text_field(path, content, "flat"),
        source=source_field(path, content),
    )


def _angles(path: Path, content: dict[Any, Any]) -> tuple[AngleUnit, NDArray[np.float64]]:
    given = [key for key in ("angles_deg", "angles_rad") if content.get(key) is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise ScanError(f"{path.name}: angles must be given once, as angles_deg or angles_rad, got {got}")
    key, value = given[0], content[given[0]]
    unit: AngleUnit = "deg" if key == "angles_deg" else "rad"
    if isinstance(value, list):
        return unit, np.array(
            [number_field(path, f"{key}[{i}]", one) for i, one in enumerate(value)], np.float64
        )
    return unit, range_field(path, key, value)

"""The YAML or JSON file beside a series of projections in NumPy form that says how they were taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import Centre
from proxflow.data.errors import ScanError
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
from proxflow.data.validate_angles import AngleUnit

ANGLES = ("angles_deg", "angles_rad", "schedule")
KEYS = (
    *("modality", "axes", "quantity", *ANGLES, "views_per_frame", "column_size_mm", "axis_column"),
    *("centre", "image_pixel_mm", "samples", "reference", "labels", "source"),
)


@dataclass(frozen=True)
class DynamicSidecar:
    """What a sidecar of dynamic CT says; see docs/file-format.md.

    ``axes`` holds column and frame or view or both, and perhaps item, in the array's order; without frame,
    every ``views_per_frame`` consecutive views are one. ``angles`` are numbers, or the name of an array: a
    key of an .npz, for a .npy a file beside it, as ``reference``; None where ``schedule`` tells them, or
    nothing does.
    """

    path: Path
    axes: tuple[str, ...]
    views_per_frame: int
    unit: AngleUnit
    angles: NDArray[np.float64] | str | None
    schedule: str | None
    column_size_mm: float | None
    axis_column: float | None
    centre: Centre
    image_pixel_mm: float | None
    samples: str
    reference: str | None
    source: dict[str, str]
    content: Mapping[str, Any]

    def labels(self, n_items: int) -> tuple[str, ...]:
        """One label per item; raises ScanError if the sidecar gives more or fewer."""
        if self.content.get("labels") is None:
            return series_labels(n_items)
        return labels_field(self.path, self.content, n_items)


def series_labels(n_items: int) -> tuple[str, ...]:
    """Labels where the file names none."""
    return ("series",) if n_items == 1 else tuple(f"series {item}" for item in range(n_items))


def read_dynamic_sidecar(target: Path) -> DynamicSidecar:
    """The sidecar of ``target``; raises ScanError if absent, unreadable or unsound."""
    path, content = read_fields(target, "ct-dynamic", KEYS, says="'modality: ct-dynamic', axes and angles")
    quantity = choice_field(
        path, content, "quantity", ("attenuation", "transmission", "counts"), "attenuation"
    )
    if quantity != "attenuation":
        raise ScanError(
            f"{path.name}: quantity must be attenuation for ct-dynamic, got {quantity}; take its negative "
            "logarithm first"
        )
    unit, angles = _angles(path, content)
    return DynamicSidecar(
        path=path,
        axes=_axes(path, content.get("axes")),
        views_per_frame=_views_per_frame(path, content),
        unit=unit,
        angles=angles,
        schedule=text_field(path, content, "schedule"),
        column_size_mm=_number(path, content, "column_size_mm"),
        axis_column=_number(path, content, "axis_column"),
        centre=cast(Centre, choice_field(path, content, "centre", get_args(Centre), "middle")),
        image_pixel_mm=_number(path, content, "image_pixel_mm"),
        samples=text_field(path, content, "samples") or "samples",
        reference=text_field(path, content, "reference"),
        source=source_field(path, content),
        content=content,
    )


def _axes(path: Path, value: Any) -> tuple[str, ...]:
    axes = axes_field(path, value, (("column",),), ("item", "frame", "view"))
    if not {"frame", "view"} & set(axes):
        raise ScanError(f"{path.name}: axes must name frame or view, whichever time runs along, got {axes}")
    return axes


def _angles(path: Path, content: Mapping[str, Any]) -> tuple[AngleUnit, NDArray[np.float64] | str | None]:
    given = [key for key in ANGLES if content.get(key) is not None]
    if len(given) > 1:
        raise ScanError(
            f"{path.name}: angles must be given once, as angles_deg, angles_rad or schedule, got "
            f"{' and '.join(given)}"
        )
    if not given or given == ["schedule"]:
        return "rad", None
    key, value = given[0], content[given[0]]
    unit: AngleUnit = "deg" if key == "angles_deg" else "rad"
    if isinstance(value, str):
        return unit, value
    if not isinstance(value, list):
        return unit, range_field(path, key, value)
    nested = [row if isinstance(row, list) else [row] for row in value]
    if len({len(row) for row in nested}) > 1:
        raise ScanError(f"{path.name}: {key} must be as many for every frame, got lists of several lengths")
    rows = [[number_field(path, f"{key}[{i}]", one) for one in row] for i, row in enumerate(nested)]
    array = np.array(rows, np.float64)
    return unit, array if isinstance(value[0] if value else 0.0, list) else array.ravel()


def _views_per_frame(path: Path, content: Mapping[str, Any]) -> int:
    value = content.get("views_per_frame", 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ScanError(f"{path.name}: views_per_frame must be a whole number from 1, got {str(value)[:80]}")
    return value


def _number(path: Path, content: Mapping[str, Any], key: str) -> float | None:
    return None if content.get(key) is None else number_field(path, key, content[key])

"""The YAML or JSON file beside projections in TIFF or NumPy form that says how they were taken."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.sidecar import SUFFIXES
from proxflow.data.readers.sidecar_fields import load_mapping, source_field
from proxflow.data.sinogram import Beam, Quantity, ScanGeometry
from proxflow.data.validate_angles import AngleUnit, check_angles
from proxflow.data.validate_sinogram import check_scan_geometry

AXES = ("angle", "row", "column")
LENGTHS = ("column_size_mm", "row_size_mm", "source_origin_mm", "source_detector_mm")
KEYS = (
    *("modality", "axes", "quantity", "angles_deg", "angles_rad", "beam", *LENGTHS, "axis_column"),
    *("samples", "dark", "flat", "labels", "source"),
)
RANGE_KEYS = {"start", "stop", "count"}
# No scan has more views; a forged count would ask for memory.
MAX_ANGLES = 10**6


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
    lengths: dict[str, float]
    axis_column: float | None = None
    samples: str = "samples"
    dark: str | None = None
    flat: str | None = None
    labels: tuple[str, ...] | None = None
    source: dict[str, str] = field(default_factory=dict)

    def geometry(self, shape: Sequence[int]) -> tuple[ScanGeometry, tuple[str, ...]]:
        """The geometry for samples of ``shape``, in the order of ``axes``, and notes for the user.

        Raises ScanError if angles and axes do not fit, or the lengths contradict each other.
        """
        sizes = dict(zip(self.axes, shape, strict=True))
        angles, notes = check_angles(self.path, f"angles_{self.unit}", self.angles, self.unit, sizes)
        geometry = ScanGeometry(self.beam, angles, axis_column=self.axis_column, **self.lengths)
        return geometry, notes + check_scan_geometry(self.path, geometry, sizes["column"])


def find_sidecar(target: Path) -> Path | None:
    """The sidecar of a file (same stem) or a folder (same name beside it, or ``scan`` in it), or None."""
    if target.is_dir():
        candidates = [target.with_name(target.name + suffix) for suffix in SUFFIXES]
        candidates += [target / f"scan{suffix}" for suffix in SUFFIXES]
    else:
        candidates = [target.with_suffix(suffix) for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)


def is_ct_sidecar(target: Path) -> bool:
    """Whether ``target`` has a sidecar that says ``modality: ct``; False for one that cannot be read."""
    path = find_sidecar(target)
    if path is None:
        return False
    try:
        return load_mapping(path).get("modality") == "ct"
    except ScanError:
        return False


def read_sinogram_sidecar(target: Path) -> SinogramSidecar:
    """The sidecar of ``target``; raises ScanError if absent, unreadable or unsound."""
    path = find_sidecar(target)
    if path is None:
        wanted = f"{target.name}.yaml" if target.is_dir() else target.with_suffix(".yaml").name
        raise ScanError(
            f"{target.name} must have a sidecar {wanted} with 'modality: ct', axes, quantity and angles, got "
            "none"
        )
    content = _content(path)
    lengths = {key: _number(path, key, content[key]) for key in LENGTHS if content.get(key) is not None}
    axis = content.get("axis_column")
    labels = content.get("labels")
    if not (labels is None or isinstance(labels, list)):
        raise ScanError(f"{path.name}: labels must be a list, got {labels}")
    beam = _choice(path, content, "beam", get_args(Beam), "parallel")
    if lengths.keys() & {"source_origin_mm", "source_detector_mm"} and beam == "parallel":
        raise ScanError(
            f"{path.name}: beam must be fan, fan-curved or cone where a source is given, got parallel"
        )
    unit, angles = _angles(path, content)
    texts = {key: str(content[key]) for key in ("samples", "dark", "flat") if content.get(key) is not None}
    return SinogramSidecar(
        path=path,
        axes=_axes(path, content.get("axes"), beam),
        quantity=_choice(path, content, "quantity", get_args(Quantity), None),
        beam=beam,
        angles=angles,
        unit=unit,
        lengths=lengths,
        axis_column=None if axis is None else _number(path, "axis_column", axis),
        labels=tuple(map(str, labels)) if labels is not None else None,
        source=source_field(path, content),
        **texts,
    )


def _content(path: Path) -> dict[Any, Any]:
    content = load_mapping(path)
    for key in content:
        if key not in KEYS:
            close = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ScanError(f"{path.name}: key must be one of {', '.join(KEYS)}, got {key}{hint}")
    if content.get("modality") != "ct":
        raise ScanError(f"{path.name}: modality must be ct, got {content.get('modality', 'none')}")
    return content


def _axes(path: Path, axes: Any, beam: str) -> tuple[str, ...]:
    known = isinstance(axes, list) and all(isinstance(axis, str) and axis in AXES for axis in axes)
    if not known or len(set(axes)) != len(axes) or not {"angle", "column"} <= set(axes):
        raise ScanError(f"{path.name}: axes must name angle, column and at most row, once each, got {axes}")
    if beam == "cone" and "row" not in axes:
        raise ScanError(f"{path.name}: axes of a cone beam must name angle, row and column, got {axes}")
    return tuple(axes)


def _choice(path: Path, content: dict[Any, Any], key: str, known: Sequence[str], default: str | None) -> Any:
    value = content.get(key, default)
    if value not in known:
        close = difflib.get_close_matches(str(value), known, n=1)
        got = f"{value}; did you mean {close[0]}?" if close else "none" if value is None else value
        raise ScanError(f"{path.name}: {key} must be one of {', '.join(known)}, got {got}")
    return value


def _number(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScanError(f"{path.name}: {key} must be a number, got {value}")
    try:
        return float(value)
    except OverflowError:
        raise ScanError(f"{path.name}: {key} must be a number of ordinary size, got a huge integer") from None


def _angles(path: Path, content: dict[Any, Any]) -> tuple[AngleUnit, NDArray[np.float64]]:
    given = [key for key in ("angles_deg", "angles_rad") if content.get(key) is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise ScanError(f"{path.name}: angles must be given once, as angles_deg or angles_rad, got {got}")
    key, value = given[0], content[given[0]]
    unit: AngleUnit = "deg" if key == "angles_deg" else "rad"
    if isinstance(value, list):
        return unit, np.array([_number(path, f"{key}[{i}]", one) for i, one in enumerate(value)], np.float64)
    if not isinstance(value, dict) or set(value) - {"endpoint"} != RANGE_KEYS:
        shown = sorted(map(str, value)) if isinstance(value, dict) else value
        raise ScanError(
            f"{path.name}: {key} must be a list of numbers or {{start, stop, count}} (with endpoint: false "
            f"where stop is not measured), got {shown}"
        )
    count, endpoint = value["count"], value.get("endpoint", True)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_ANGLES:
        raise ScanError(f"{path.name}: count of {key} must be an integer from 1 to {MAX_ANGLES}, got {count}")
    if not isinstance(endpoint, bool):
        raise ScanError(f"{path.name}: endpoint of {key} must be true or false, got {endpoint}")
    start, stop = (_number(path, f"{end} of {key}", value[end]) for end in ("start", "stop"))
    return unit, np.linspace(start, stop, count, endpoint=endpoint)

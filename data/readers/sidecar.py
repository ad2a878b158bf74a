"""The YAML or JSON file beside a NumPy array that says what its axes are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from proxflow.data.errors import ScanError

SUFFIXES = (".yaml", ".yml", ".json")
AXES = ("item", "coil", "ky", "kx")
KEYS = (
    "axes",
    "units",
    "field_of_view_mm",
    "matrix",
    "labels",
    "kspace",
    "mask",
    "noise",
    "reference",
    "source",
)


@dataclass(frozen=True)
class Sidecar:
    """What a sidecar says; see docs/file-format.md.

    ``axes`` holds ky, kx and, in any order, item and coil where the array has them. ``kspace``,
    ``mask``, ``noise``, ``reference`` are key names in an .npz file.
    """

    path: Path
    axes: tuple[str, ...]
    units: str = "arbitrary"
    field_of_view_mm: tuple[float, float, float] | None = None
    matrix: tuple[int, int] | None = None
    labels: tuple[str, ...] | None = None
    kspace: str = "kspace"
    mask: str | None = None
    noise: str | None = None
    reference: str | None = None
    source: dict[str, str] = field(default_factory=dict)


def read_sidecar(array: Path) -> Sidecar:
    """The sidecar of ``array``, same stem; raises ScanError if absent, unreadable or unsound."""
    path = next((p for p in map(array.with_suffix, SUFFIXES) if p.is_file()), None)
    if path is None:
        wanted = array.with_suffix(".yaml").name
        raise ScanError(
            f"{array.name} must have a sidecar {wanted} with 'axes: [item, coil, ky, kx]', got none"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name} must be readable YAML or JSON, got an error: {reason}") from error
    if not isinstance(content, dict):
        raise ScanError(f"{path.name} must map names to values, got {type(content).__name__}")
    for key in content:
        if key not in KEYS:
            close = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ScanError(f"{path.name}: key must be one of {', '.join(KEYS)}, got {key}{hint}")
    texts = {
        key: str(content[key]) for key in ("units", "kspace", "mask", "noise", "reference") if key in content
    }
    labels, source = content.get("labels"), content.get("source", {})
    if not isinstance(source, dict) or not (labels is None or isinstance(labels, list)):
        raise ScanError(f"{path.name}: labels must be a list and source a mapping, got {labels} and {source}")
    matrix = _numbers(path, content, "matrix", 2)
    fov = _numbers(path, content, "field_of_view_mm", 3)
    return Sidecar(
        path=path,
        axes=_axes(path, content.get("axes")),
        matrix=(int(matrix[0]), int(matrix[1])) if matrix else None,
        field_of_view_mm=(fov[0], fov[1], fov[2]) if fov else None,
        labels=tuple(map(str, labels)) if labels is not None else None,
        source={str(name): str(text) for name, text in source.items()},
        **texts,
    )


def _axes(path: Path, axes: Any) -> tuple[str, ...]:
    known = isinstance(axes, list) and all(axis in AXES for axis in axes)
    if not known or len(set(axes)) != len(axes) or not {"ky", "kx"} <= set(axes):
        raise ScanError(f"{path.name}: axes must name ky, kx and at most item, coil, once each, got {axes}")
    return tuple(axes)


def _numbers(path: Path, content: dict[str, Any], key: str, count: int) -> list[float] | None:
    value = content.get(key)
    if value is None:
        return None
    numeric = isinstance(value, list) and all(isinstance(v, int | float) and v > 0 for v in value)
    if not numeric or len(value) != count:
        raise ScanError(f"{path.name}: {key} must be a list of {count} positive numbers, got {value}")
    return [float(v) for v in value]

"""The fields of a sidecar, the YAML or JSON file beside an array, for any modality."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.sidecar_yaml import load_mapping, sidecar_path
from proxflow.data.validate import check_field_of_view

RANGE_KEYS = {"start", "stop", "count"}
LARGEST_COUNT = 10**6  # no scan has more views or frequencies; a forged count would ask for memory


def read_fields(
    target: Path, modality: str, keys: Sequence[str], *, says: str | None = None, stated: bool = True
) -> tuple[Path, dict[str, Any]]:
    """The sidecar of ``target`` and its fields, all of them of ``keys`` and ``modality`` as given.

    ``says`` is what a sidecar must say at least, for the message; ``stated`` whether it must state its
    modality. Raises ScanError if it is absent, unreadable, of another modality or has a key not known.
    """
    path = sidecar_path(target)
    if path is None:
        wanted = f"{target.name}.yaml" if target.is_dir() else target.with_suffix(".yaml").name
        says = says or f"'modality: {modality}'"
        raise ScanError(f"{target.name} must have a sidecar {wanted} with {says}, got none")
    content = load_mapping(path)
    if "modality" in content or stated:
        choice_field(path, content, "modality", (modality,))
    for key in content:
        if key not in keys:
            raise ScanError(
                f"{path.name}: key must be one of {', '.join(keys)}, got {key}{_nearest(key, keys)}"
            )
    return path, content


def axes_field(
    path: Path, value: Any, allowed: Sequence[Sequence[str]], optional: Sequence[str]
) -> tuple[str, ...]:
    """``axes`` as a tuple: one of the sets ``allowed`` in any order, with or without any of ``optional``."""
    named = isinstance(value, list) and all(isinstance(axis, str) for axis in value)
    if named and len(set(value)) == len(value):
        for axes in allowed:
            if set(value) - set(optional) == set(axes):
                return tuple(value)
    wanted = " or ".join(", ".join(axes) for axes in allowed)
    got = "none" if value is None else str(value)[:80]
    raise ScanError(
        f"{path.name}: axes must name {wanted} and at most {', '.join(optional)}, once each, got {got}"
    )


def choice_field(
    path: Path, content: Mapping[str, Any], key: str, choices: Sequence[str], default: str | None = None
) -> str:
    """The field ``key``, one of ``choices``; raises ScanError naming them."""
    value = content.get(key, default)
    if not isinstance(value, str) or value not in choices:
        quoted = any("," in choice or not choice[0].isalnum() for choice in choices)
        names = ", ".join(f'"{choice}"' if quoted else choice for choice in choices)
        wanted = names if len(choices) == 1 else f"one of {names}"
        got = "none" if value is None else f"{value}{_nearest(value, choices) if len(choices) > 1 else ''}"
        raise ScanError(f"{path.name}: {key} must be {wanted}, got {got}")
    return value


def number_field(path: Path, key: str, value: Any) -> float:
    """``value``, given as ``key``, as a float of any sign."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScanError(f"{path.name}: {key} must be a number, got {str(value)[:80]}")
    try:
        return float(value)
    except OverflowError:
        raise ScanError(f"{path.name}: {key} must be a number of ordinary size, got a huge integer") from None


def range_field(path: Path, key: str, value: Any) -> NDArray[np.float64]:
    """Evenly spaced numbers of ``{start, stop, count}``; ``endpoint: false`` leaves out ``stop``."""
    if not isinstance(value, dict) or set(value) - {"endpoint"} != RANGE_KEYS:
        shown = sorted(map(str, value)) if isinstance(value, dict) else str(value)[:80]
        raise ScanError(
            f"{path.name}: {key} must be a list of numbers or {{start, stop, count}} (with endpoint: false "
            f"where stop is not measured), got {shown}"
        )
    count, endpoint = value["count"], value.get("endpoint", True)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_COUNT:
        raise ScanError(
            f"{path.name}: count of {key} must be an integer from 1 to {LARGEST_COUNT}, got {count}"
        )
    if not isinstance(endpoint, bool):
        raise ScanError(f"{path.name}: endpoint of {key} must be true or false, got {endpoint}")
    start, stop = (number_field(path, f"{end} of {key}", value[end]) for end in ("start", "stop"))
    if not np.isfinite([start, stop]).all():
        raise ScanError(f"{path.name}: start and stop of {key} must be finite, got {start} and {stop}")
    return np.linspace(start, stop, count, endpoint=endpoint)


def numbers_field(path: Path, content: Mapping[str, Any], key: str, count: int) -> list[float] | None:
    """The field ``key``, a list of ``count`` positive numbers, or None where absent."""
    value = content.get(key)
    if value is None:
        return None
    numeric = isinstance(value, list) and all(_is_number(v) and v > 0 for v in value)
    if not numeric or len(value) != count:
        raise ScanError(f"{path.name}: {key} must be a list of {count} positive numbers, got {value}")
    return [float(v) for v in value]


def extent_field(path: Path, content: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """The field ``field_of_view_mm``, (z, y, x), or None where absent."""
    numbers = numbers_field(path, content, "field_of_view_mm", 3)
    if numbers is None:
        return None
    check_field_of_view(path, numbers)
    return numbers[0], numbers[1], numbers[2]


def size_field(path: Path, content: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    """The field ``key``, whole numbers (y, x), or None where absent."""
    numbers = numbers_field(path, content, key, 2)
    if numbers is None:
        return None
    if any(number != int(number) for number in numbers):
        raise ScanError(f"{path.name}: {key} must be two whole numbers (y, x), got {content[key]}")
    return int(numbers[0]), int(numbers[1])


def text_field(path: Path, content: Mapping[str, Any], key: str, default: str | None = None) -> str | None:
    """The field ``key``, a text, or ``default`` where absent."""
    value = content.get(key, default)
    if value is not None and not isinstance(value, str):
        raise ScanError(f"{path.name}: {key} must be a text, got {value}")
    return value


def labels_field(path: Path, content: Mapping[str, Any], n_items: int) -> tuple[str, ...]:
    """The field ``labels``, one per item; "item 0" and so on where absent."""
    labels = content.get("labels")
    if labels is None:
        return tuple(f"item {i}" for i in range(n_items))
    if not isinstance(labels, list) or len(labels) != n_items:
        raise ScanError(f"{path.name}: labels must be a list naming {n_items} items, got {labels}")
    return tuple(map(str, labels))


def source_field(path: Path, content: Mapping[str, Any]) -> dict[str, str]:
    """The field ``source``, texts by name."""
    source = content.get("source", {})
    if not isinstance(source, dict):
        raise ScanError(f"{path.name}: source must map names to texts, got {source}")
    return {str(name): str(text) for name, text in source.items()}


def file_beside(sidecar: Path, name: str, text: str) -> Path:
    """The file a sidecar names as ``name``; it must lie in the sidecar's folder or below."""
    folder = sidecar.parent.resolve()
    try:
        file = (folder / text).resolve()
        found = file.is_relative_to(folder) and file.is_file()
    except (OSError, ValueError, RuntimeError):  # NUL in the name, a loop of links
        found = False
    if not found:
        raise ScanError(f"{sidecar.name}: {name} must name a file in the sidecar's folder, got {text}")
    return file


def _nearest(value: Any, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(value), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _is_number(value: Any) -> bool:
    """Whether it is a finite number of ordinary size: a float can hold it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max

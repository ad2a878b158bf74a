"""The fields of a sidecar, the YAML or JSON file beside an array, for any modality."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from proxflow.data.errors import ScanError
from proxflow.data.readers.sidecar import SUFFIXES

LARGEST_BYTES = 64 * 2**20


def sidecar_path(array: Path) -> Path | None:
    """The sidecar of ``array``, same stem, or None."""
    return next((p for p in map(array.with_suffix, SUFFIXES) if p.is_file()), None)


def sidecar_modality(array: Path) -> str | None:
    """What the sidecar of ``array`` gives as ``modality``; None without sidecar or without the key."""
    path = sidecar_path(array)
    content = load_mapping(path) if path else {}
    return str(content["modality"]) if "modality" in content else None


def load_mapping(path: Path) -> dict[str, Any]:
    """The YAML or JSON mapping in ``path``; raises ScanError if it is none."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ScanError(f"{path.name} must be at most {LARGEST_BYTES} bytes, got {path.stat().st_size}")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError, OSError) as error:
        if isinstance(error, ScanError):
            raise
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name} must be readable YAML or JSON, got an error: {reason}") from error
    if not isinstance(content, dict):
        raise ScanError(f"{path.name} must map names to values, got {type(content).__name__}")
    return content


def read_fields(array: Path, modality: str, keys: Sequence[str]) -> tuple[Path, dict[str, Any]]:
    """The sidecar of ``array`` and its fields, all of them of ``keys`` and ``modality`` as given.

    Raises ScanError if the sidecar is absent, unreadable, of another modality or has a key not known.
    """
    path = sidecar_path(array)
    if path is None:
        wanted = array.with_suffix(".yaml").name
        raise ScanError(f"{array.name} must have a sidecar {wanted} with 'modality: {modality}', got none")
    content = load_mapping(path)
    for key in content:
        if key not in keys:
            close = difflib.get_close_matches(str(key), keys, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ScanError(f"{path.name}: key must be one of {', '.join(keys)}, got {key}{hint}")
    if content.get("modality") != modality:
        raise ScanError(f"{path.name}: modality must be {modality}, got {content.get('modality')}")
    return path, content


def axes_field(path: Path, value: Any, allowed: Sequence[Sequence[str]], optional: str) -> tuple[str, ...]:
    """``axes`` as a tuple: one of the sets ``allowed`` in any order, with or without ``optional``."""
    named = isinstance(value, list) and all(isinstance(axis, str) for axis in value)
    if named and len(set(value)) == len(value):
        for axes in allowed:
            if set(value) - {optional} == set(axes):
                return tuple(value)
    wanted = " or ".join(", ".join(axes) for axes in allowed)
    raise ScanError(f"{path.name}: axes must name {wanted}, and at most {optional}, once each, got {value}")


def choice_field(path: Path, content: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    """The field ``key``, one of ``choices``; raises ScanError naming them."""
    value = content.get(key)
    if value not in choices:
        shown = ", ".join(f'"{choice}"' for choice in choices)
        raise ScanError(f"{path.name}: {key} must be one of {shown}, got {value}")
    return str(value)


def numbers_field(path: Path, content: Mapping[str, Any], key: str, count: int) -> list[float] | None:
    """The field ``key``, a list of ``count`` positive numbers, or None where absent."""
    value = content.get(key)
    if value is None:
        return None
    numeric = isinstance(value, list) and all(_is_number(v) and v > 0 for v in value)
    if not numeric or len(value) != count:
        raise ScanError(f"{path.name}: {key} must be a list of {count} positive numbers, got {value}")
    return [float(v) for v in value]


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value < float("inf")

"""Settings of networks that files of weights tell, as names with one type each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_told(settings: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """``settings`` as they are written: a whole number becomes a float where one is wanted, a tuple a list.

    Raises ValueError as ``check_settings``, on what could not be read back.
    """
    told = {name: _converted(value, kinds.get(name)) for name, value in settings.items()}
    check_settings(told, kinds)
    return told


def check_settings(told: Any, kinds: Mapping[str, type], what: str = "settings") -> None:
    """ValueError unless ``told`` has exactly the names and types of ``kinds``."""
    if not isinstance(told, dict) or told.keys() != kinds.keys():
        got = sorted(told.keys() ^ kinds.keys())[0] if isinstance(told, dict) else told
        raise ValueError(f"{what} must name {', '.join(kinds)}, got {got} amiss")
    for name, kind in kinds.items():
        if type(told[name]) is not kind:
            raise ValueError(f"{name} must be of type {kind.__name__}, got {told[name]!r:.80}")


def _converted(value: Any, kind: type | None) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    return list(value) if kind is list and isinstance(value, tuple) else value

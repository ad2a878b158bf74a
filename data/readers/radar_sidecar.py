"""What must be said about a plain array of radar samples: axes, frequencies, antennas, phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.sidecar_fields import (
    axes_field,
    choice_field,
    range_field,
    read_fields,
    source_field,
    text_field,
)

KEYS = (
    *("modality", "samples", "axes", "frequencies_hz", "transmitters_m", "receivers_m", "pairs"),
    *("pairs_from", "background", "units", "phase_sign", "reference_range_m", "labels", "source"),
)
AXES = (("frequency", "transmitter", "receiver"), ("frequency", "pair"))

# Numbers, the key of an array in the file, or three keys for x, y and z.
Value = NDArray[np.float64] | str | tuple[str, str, str]


@dataclass(frozen=True)
class RadarFields:
    """The fields of a radar sidecar; see docs/file-format.md.

    Attributes:
        path: where they are written, for messages.
        samples: key of the samples in a .mat or .npz file; None for .npy and .csv.
        axes: order of frequency and either transmitter and receiver or pair, and item if there is one.
        receivers_m: None where the transmitters receive.
        pairs: transmitter and receiver of each pair, counted from ``pairs_from``; None for all of them,
            or for one antenna per pair that both transmits and receives.
        background: key of the background, or name of its file beside a .npy or .csv.
        conjugate: whether a delay advances the phase in the file: exp(+jkd), so that it is conjugated.
    """

    path: Path
    samples: str | None
    axes: tuple[str, ...]
    frequencies_hz: Value
    transmitters_m: Value
    receivers_m: Value | None = None
    pairs: Value | None = None
    pairs_from: int = 0
    background: str | None = None
    conjugate: bool = False
    reference_range_m: Value | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)


def read_radar_sidecar(array: Path) -> RadarFields:
    """The sidecar of ``array``; raises ScanError if absent, unreadable or unsound."""
    path, content = read_fields(array, "radar", KEYS)
    for key in ("axes", "frequencies_hz", "transmitters_m"):
        if content.get(key) is None:
            raise ScanError(f"{path.name}: {key} must be given, got none")
    units = text_field(path, content, "units")
    sign = choice_field(path, content, "phase_sign", ("-", "+"), "-")
    return RadarFields(
        path=path,
        samples=text_field(path, content, "samples"),
        axes=axes_field(path, content["axes"], AXES, ("item",)),
        frequencies_hz=_frequencies(path, content["frequencies_hz"]),
        transmitters_m=_positions(path, "transmitters_m", content["transmitters_m"]),
        receivers_m=_optional(path, content, "receivers_m"),
        pairs=_optional(path, content, "pairs"),
        pairs_from=_pairs_from(path, content),
        background=text_field(path, content, "background"),
        conjugate=sign == "+",
        reference_range_m=_optional(path, content, "reference_range_m"),
        labels={"labels": content.get("labels")},
        source=source_field(path, content) | ({"units": units} if units else {}),
    )


def _optional(path: Path, content: Mapping[str, Any], key: str) -> Value | None:
    if content.get(key) is None:
        return None
    if key == "receivers_m":
        return _positions(path, key, content[key])
    return _value(path, key, content[key])


def _frequencies(path: Path, value: Any) -> Value:
    if isinstance(value, dict):
        return range_field(path, "frequencies_hz", value)
    return _value(path, "frequencies_hz", value)


def _positions(path: Path, key: str, value: Any) -> Value:
    if isinstance(value, list) and len(value) == 3 and all(isinstance(v, str) for v in value):
        return value[0], value[1], value[2]
    return _value(path, key, value)


def _value(path: Path, key: str, value: Any) -> Value:
    if isinstance(value, str):
        return value
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        shown = str(value)[:80]
        raise ScanError(f"{path.name}: {key} must be numbers or the key of an array, got {shown}") from None


def _pairs_from(path: Path, content: Mapping[str, Any]) -> int:
    if content.get("pairs") is None:
        return 0
    first = content.get("pairs_from", "none")
    if isinstance(first, bool) or first not in (0, 1):
        raise ScanError(
            f"{path.name}: pairs_from must be 0 or 1, the number of the first antenna, got {first}"
        )
    return int(first)

"""The YAML or JSON file beside Cartesian k-space in NumPy form that says what its axes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.data.readers.sidecar_fields import (
    axes_field,
    extent_field,
    labels_field,
    read_fields,
    size_field,
    source_field,
    text_field,
)

AXES = ("item", "coil", "ky", "kx")
ARRAYS = ("mask", "noise", "reference")
KEYS = ("modality", "axes", "units", "field_of_view_mm", "matrix", "labels", "kspace", *ARRAYS, "source")


@dataclass(frozen=True)
class KSpaceSidecar:
    """What a sidecar of Cartesian k-space says; see docs/file-format.md.

    ``axes`` holds ky, kx and, in any order, item and coil where the array has them. ``kspace`` is the key
    of the samples in an .npz file; ``arrays`` are keys of what else it holds, by name.
    """

    path: Path
    axes: tuple[str, ...]
    kspace: str
    arrays: Mapping[str, str]
    field_of_view_mm: tuple[float, float, float] | None
    matrix: tuple[int, int] | None
    source: Mapping[str, str]
    content: Mapping[str, Any]

    def labels(self, n_items: int) -> tuple[str, ...]:
        """One label per item; raises ScanError if the sidecar gives more or fewer."""
        return labels_field(self.path, self.content, n_items)


def read_kspace_sidecar(array: Path) -> KSpaceSidecar:
    """The sidecar of ``array``; raises ScanError if absent, unreadable or unsound."""
    says = "'axes: [item, coil, ky, kx]'"
    path, content = read_fields(array, "mri-cartesian", KEYS, says=says, stated=False)
    keys = {name: text_field(path, content, name) for name in ARRAYS}
    units = text_field(path, content, "units")
    return KSpaceSidecar(
        path=path,
        axes=axes_field(path, content.get("axes"), (("ky", "kx"),), ("item", "coil")),
        kspace=text_field(path, content, "kspace") or "kspace",
        arrays={name: key for name, key in keys.items() if key is not None},
        field_of_view_mm=extent_field(path, content),
        matrix=size_field(path, content, "matrix"),
        source=source_field(path, content) | ({"units": units} if units else {}),
        content=content,
    )

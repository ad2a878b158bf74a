"""What a look at one item of a scan tells, whatever kind of scan it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from proxflow.data.scan import ScanInfo
from proxflow.tasks.looks.panel import Panel

Facts = list[tuple[str, str]]
MOST_LABELS = 4  # named one by one


@dataclass(frozen=True)
class Look(ABC):
    """A scan's header, and its item number ``item`` looked at more closely."""

    info: ScanInfo
    item: int

    @abstractmethod
    def own_facts(self) -> Facts:
        """What this kind of scan has to tell, as (name, words)."""

    @abstractmethod
    def own_numbers(self) -> dict[str, Any]:
        """The same as JSON values."""

    @abstractmethod
    def panels(self) -> tuple[Panel, ...]:
        """Pictures of the item; they are computed now."""

    @abstractmethod
    def reference_text(self) -> str:
        """What came with the scan to judge an image by."""

    def facts(self) -> Facts:
        """Everything there is to tell, as (name, words)."""
        info = self.info
        return [
            ("file", f"{info.path} ({_size(info.file_bytes)})"),
            ("format", f"{info.format}, {info.modality}"),
            ("items", labels_text(info.labels)),
            *self.own_facts(),
            ("reference", self.reference_text()),
            *info.source.items(),
            *(("note", note) for note in info.notes),
        ]

    def numbers(self) -> dict[str, Any]:
        """Everything there is to tell, as JSON values."""
        info = self.info
        return {
            "file": str(info.path),
            "file_bytes": info.file_bytes,
            "format": info.format,
            "modality": info.modality,
            "axes": list(info.axes),
            "shape": list(info.shape),
            "dtype": info.dtype,
            "labels": list(info.labels),
            "item": self.item,
            "has_reference": info.has_reference,
            **self.own_numbers(),
            "source": dict(info.source),
            "notes": list(info.notes),
        }


def shape_text(info: ScanInfo) -> str:
    """The samples' axes and type: ``1 item x 4 coil x 48 ky x 40 kx, complex64``."""
    sizes = " x ".join(f"{size} {axis}" for size, axis in zip(info.shape, info.axes, strict=True))
    return f"{sizes}, {info.dtype}"


def count(n: int, noun: str, plural: str = "") -> str:
    """``1 coil``, ``2 coils``."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def labels_text(labels: tuple[str, ...]) -> str:
    """All labels, or the first and the last."""
    if len(labels) <= MOST_LABELS:
        return ", ".join(labels)
    return f"{labels[0]}, {labels[1]}, … {labels[-1]} ({len(labels)})"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:.1f} MiB" if n_bytes >= 2**20 / 10 else f"{n_bytes / 2**10:.1f} KiB"

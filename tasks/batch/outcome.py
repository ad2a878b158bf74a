"""What became of one scan of a batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

State = Literal["done", "failed", "left", "interrupted"]


@dataclass(frozen=True)
class ScanOutcome:
    """One scan, as ``batch.json`` tells it.

    Attributes:
        name: the scan's name in the batch; ``scan`` is where it lies.
        state: ``failed`` by the scan's or the recipe's own fault; ``left`` by the machine's, such as a full
            disk: it may succeed as it is; ``interrupted`` where the batch was stopped first.
        why: one sentence, empty where it is done.  traceback: of a fault that was not foreseen.
        folder, report: relative to the batch's folder; empty where there is none.
        metrics: method -> name -> number ("inf" and None as in metrics.json), the delivered image first.
        cached: of ``stages`` stages, those found in the store.
        finished: date and time for people, UTC.
    """

    scan: str
    name: str
    state: State
    why: str = ""
    traceback: str = ""
    folder: str = ""
    report: str = ""
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    seconds: float = 0.0
    stages: int = 0
    cached: int = 0
    finished: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``from_json`` reads them back."""
        return asdict(self) | {"cautions": list(self.cautions)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ScanOutcome:
        """Raises KeyError or TypeError where ``values`` is something else."""
        known = {one.name for one in fields(cls)} & set(values)
        read = {name: values[name] for name in known}
        return cls(**read | {"cautions": tuple(values.get("cautions", ()))})

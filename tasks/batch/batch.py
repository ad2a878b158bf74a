"""A batch: the outcomes of many scans, and the figures over all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from proxflow.tasks.batch.outcome import ScanOutcome, State


@dataclass(frozen=True)
class Batch:
    """All scans of one call of ``proxflow many``, or of one watched folder so far.

    ``seconds`` is the time from the first scan's start to the last one's end, over which ``outcomes`` were
    made; of a watched folder that of its last pass, in which ``recent`` scans were done.
    """

    title: str
    recipe: str
    source: str
    command: str
    outcomes: tuple[ScanOutcome, ...]
    seconds: float
    recent: int

    def count(self, state: State) -> int:
        """How many scans ended so."""
        return Counter(outcome.state for outcome in self.outcomes)[state]

    @property
    def status(self) -> str:
        """``done`` where every scan is, ``interrupted`` where one could not be tried, else ``failed``."""
        states = {outcome.state for outcome in self.outcomes}
        return "interrupted" if "interrupted" in states else "done" if states <= {"done"} else "failed"

    @property
    def scans_per_minute(self) -> float | None:
        """None before any scan was done."""
        return 60 * self.recent / self.seconds if self.recent and self.seconds > 0 else None

    @property
    def sentence(self) -> str:
        """How many are done, how many not, and how fast it went."""
        words: dict[State, str] = {
            "failed": "failed", "left": "left for later", "interrupted": "not finished"
        }  # fmt: skip
        parts = [f"{self.count('done')} of {len(self.outcomes)} scans done"]
        parts += [f"{self.count(state)} {word}" for state, word in words.items() if self.count(state)]
        rate = "" if self.scans_per_minute is None else f", {self.scans_per_minute:.3g} scans a minute"
        return f"{', '.join(parts)} in {self.seconds:.1f} s{rate}"

    def metric_names(self) -> tuple[str, ...]:
        """The metrics of any scan, in the order first met."""
        return tuple(
            dict.fromkeys(
                name for outcome in self.outcomes for figures in outcome.metrics.values() for name in figures
            )
        )

    def summary(self) -> dict[str, Any]:
        """The figures over all scans."""
        states: tuple[State, ...] = ("done", "failed", "left", "interrupted")
        rate = self.scans_per_minute
        return {
            "status": self.status,
            "recipe": self.recipe,
            "scans": len(self.outcomes),
            **{state: self.count(state) for state in states},
            "seconds": round(self.seconds, 3),
            "scans_per_minute": None if rate is None else round(rate, 3),
        }

"""What was measured in the course of a training."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxflow.models.networks.judged import Judged


@dataclass
class History:
    """losses: the mean over each stretch of steps, by the step that ends it.  recent: of steps since then.

    validation: by step, what was judged.  seconds: spent in all.
    """

    losses: list[tuple[int, float]] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    validation: list[tuple[int, list[Judged]]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, step: int, loss: float, *, ends_stretch: bool) -> None:
        """The loss of a step, the first being 1."""
        self.recent.append(loss)
        if ends_stretch:
            self.losses.append((step, sum(self.recent) / len(self.recent)))
            self.recent.clear()

    @property
    def steps_per_second(self) -> float:
        """Of the steps judged last, judging included."""
        steps = self.validation[-1][0] if self.validation else 0
        return steps / self.seconds if self.seconds else 0.0

"""The angles of a tomographic scan in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAME_DEG = 1e-3  # views nearer than that are one direction
SLACK = 1.02  # of an arc that rounding makes a little short


@dataclass(frozen=True)
class Views:
    """How the views of a scan are spread; degrees.

    Attributes:
        covered: extent of the arc that holds all directions, with half a step at both ends; 360 at most.
        step: the usual distance between neighbouring directions.
        order: ascending, descending or mixed, as measured.
    """

    n: int
    first: float
    last: float
    covered: float
    step: float
    order: str

    def text(self) -> str:
        """``181 from 0 to 179 degrees, ascending, 0.994 apart: half a turn``."""
        if self.n == 1:
            return f"1, at {self.first:.5g} degrees"
        return (
            f"{self.n} from {self.first:.5g} to {self.last:.5g} degrees, {self.order}, "
            f"{self.step:.4g} apart: {self.arc_text()}"
        )

    def arc_text(self) -> str:
        if self.covered * SLACK >= 360:
            return "a full turn"
        if self.misses_an_arc:
            return (
                f"an arc of {self.covered:.4g} degrees, of which half a turn misses {180 - self.covered:.4g}"
            )
        return "half a turn" if self.covered < 180 * SLACK else f"{self.covered:.4g} degrees"

    @property
    def misses_an_arc(self) -> bool:
        """Whether the views cover less than half a turn."""
        return self.covered * SLACK < 180

    def numbers(self) -> dict[str, Any]:
        return {
            "first_deg": self.first,
            "last_deg": self.last,
            "covered_deg": self.covered,
            "step_deg": self.step,
            "order": self.order,
        }


def views_of(angles_rad: NDArray[np.floating]) -> Views:
    """The spread of (angle,) in radians."""
    degrees = np.rad2deg(np.asarray(angles_rad, dtype=np.float64))
    around = np.sort(np.mod(degrees, 360.0))
    gaps = np.append(np.diff(around), around[0] + 360 - around[-1])
    apart = gaps[gaps > SAME_DEG]
    step = float(np.median(apart)) if len(degrees) > 1 and len(apart) else 0.0
    steps = np.diff(degrees)
    order = "ascending" if (steps >= 0).all() else "descending" if (steps <= 0).all() else "in mixed order"
    covered = min(360.0, 360.0 - float(gaps.max()) + step)
    return Views(len(degrees), float(degrees[0]), float(degrees[-1]), covered, step, order)

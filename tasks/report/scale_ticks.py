"""Round numbers on a scale whose ends are given."""

from __future__ import annotations

from proxflow.tasks.report.frame_plot import even_ticks

MOST_TICKS = 6


def inner_ticks(low: float, high: float, length: float, apart: float = 27.0) -> list[float]:
    """Round numbers from ``low`` to ``high`` that stand at least ``apart`` on a scale of ``length``.

    The most that do, about six, evenly spaced; else the first and the last of these; none where two have no
    room.
    """
    least = apart * (high - low) / length
    for most in range(MOST_TICKS, 1, -1):
        ticks = _within(low, high, most)
        if len(ticks) > 1 and ticks[1] - ticks[0] >= least:
            return ticks
    ticks = _within(low, high, MOST_TICKS)
    return [ticks[0], ticks[-1]] if ticks[-1] - ticks[0] >= least else []


def _within(low: float, high: float, most: int) -> list[float]:
    slack = 1e-9 * (high - low)
    return [tick for tick in even_ticks(low, high, most) if low - slack <= tick <= high + slack]


def number_label(value: float) -> str:
    """A tick's number with a true minus sign."""
    return f"{value:.6g}".replace("-", "−")

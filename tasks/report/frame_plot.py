"""Numbers over the frames of a series as hand-made SVG, in the look of the convergence plots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from markupsafe import Markup, escape

from proxflow.tasks.report.convergence import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    SERIES_STYLES,
    TOP,
    WIDTH,
    Curve,
    log_ticks,
    tick_text,
)

STEPS = (1, 2, 5)  # times a power of ten
MOST_TICKS = 6
MOST_LINEAR = 30  # largest over smallest value on a linear axis


def frame_plot(
    curves: Sequence[Curve], label: str, name: str = "frame", positions: Sequence[float] | None = None
) -> Markup:
    """An SVG of ``curves`` against the frame, which counts from 1, or against ``positions``.

    Upwards the axis is linear; logarithmic where all is above 0 and the ends are more than 30 times apart.
    Values that are not finite are left out and interrupt the line. Empty Markup if no curve has two values.
    """
    kept = [(curve, np.isfinite(curve.values)) for curve in curves]
    kept = [(curve, good) for curve, good in kept if good.sum() > 1]
    if not kept:
        return Markup("")
    every = np.concatenate([curve.values[good] for curve, good in kept])
    places = positions or range(1, 1 + max(len(curve.values) for curve, _ in kept))
    first, last = min(places), max(places)
    low, high = float(every.min()), float(every.max())
    logarithmic = low > 0 and high > MOST_LINEAR * low
    scale: Callable[[float], float] = math.log if logarithmic else float
    ticks = _tick_texts(low, high, logarithmic=logarithmic)
    low, high = min(low, *ticks), max(high, *ticks)

    def across(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place - first) / max(1, last - first)

    def down(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (scale(high) - scale(value)) / (scale(high) - scale(low))

    parts = [_axes(ticks, _place_ticks(places), name, across, down)]
    for curve, good in kept:
        style = f"s{curve.series % SERIES_STYLES + 1}"
        parts.append(f'<g class="{style}"><title>{escape(curve.name)}</title>')
        for run in _runs(good):
            points = [(across(places[k]), down(float(curve.values[k]))) for k in run]
            if len(points) == 1:
                parts.append(f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2"/>')
            else:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                parts.append(f'<polyline points="{path}"/>')
        parts.append("</g>")
    head = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")


def even_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Two to about ``most`` round numbers, evenly spaced, around low .. high."""
    if not high > low:
        pad = abs(low) / 10 or 1.0
        low, high = low - pad, high + pad
    rough = (high - low) / (most - 1)
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next((m * decade for m in STEPS if m * decade >= rough), 10 * decade)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, last + 1)]


def _runs(good: np.ndarray) -> list[list[int]]:
    """The indices of True, split where one is missing."""
    indices = np.flatnonzero(good)
    return [run.tolist() for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)]


def _axes(  # type: ignore[no-untyped-def]
    ticks: dict[float, str], places: list[float], name: str, across, down
) -> str:
    """Grid lines, tick labels and the name of the x axis."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tick, text in ticks.items():
        y = down(tick)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for place in places:
        x = across(place)
        parts.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{place:g}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    middle = (LEFT + right) / 2
    parts.append(f'<text class="name" x="{middle}" y="{HEIGHT - 3}" text-anchor="middle">{name}</text>')
    return "".join(parts)


def _tick_texts(low: float, high: float, *, logarithmic: bool) -> dict[float, str]:
    """The ticks of the upward axis, with what is written at each."""
    if logarithmic:
        return {tick: tick_text(tick, exponents=low < 1e-3 or high > 1e5) for tick in log_ticks(low, high)}
    ticks = even_ticks(low, high)
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    form = f".{decimals}f" if decimals < 6 else ".2g"
    return {tick: format(tick, form).replace("-", "−") for tick in ticks}


def _place_ticks(places: Sequence[float]) -> list[float]:
    """All of few; else the first, and multiples of a round number that leave at most six."""
    if len(places) <= MOST_TICKS:
        return list(places)
    first, last = min(places), max(places)
    step = next(m * 10**k for k in range(9) for m in STEPS if (last - first) / (m * 10**k) <= MOST_TICKS)
    rest = range(step, int(last) + 1, step)
    return [first, *(place for place in rest if place > first + step / 2)]

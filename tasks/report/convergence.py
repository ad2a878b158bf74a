"""Convergence plots as hand-made SVG, coloured by the page's CSS so that they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 10, 36
SERIES_STYLES = 8  # colours and dashes in report.css


class Curve(NamedTuple):
    """One method's numbers; ``series`` picks colour and dash.

    ``held_out``: of measurements the method was not given; drawn thin, with a ring at the lowest.
    """

    name: str
    series: int
    values: np.ndarray
    held_out: bool = False


def log_plot(curves: Sequence[Curve], label: str) -> Markup:
    """An SVG of ``curves`` against the iteration, both axes logarithmic.

    Points that are not positive and finite are left out. Empty Markup if no curve has two left.
    """
    kept = [(curve, np.isfinite(curve.values) & (curve.values > 0)) for curve in curves]
    kept = [(curve, good) for curve, good in kept if good.any()]
    if not any(good.sum() > 1 for _, good in kept):
        return Markup("")
    every = np.concatenate([curve.values[good] for curve, good in kept])
    x_max = max(len(curve.values) for curve, _ in kept)
    low, high = _padded(float(every.min()), float(every.max()))

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(x) / math.log(x_max)

    def down(y: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (math.log(high / y) / math.log(high / low))

    parts = [_axes(low, high, x_max, across, down)]
    for curve, good in kept:
        points = [(across(k + 1), down(float(curve.values[k]))) for k in np.flatnonzero(good).tolist()]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f"s{curve.series % SERIES_STYLES + 1}" + (" held-out" if curve.held_out else "")
        parts.append(f'<g class="{style}"><title>{escape(curve.name)}</title><polyline points="{path}"/>')
        x, y = max(points, key=lambda point: point[1]) if curve.held_out else points[-1]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if curve.held_out else 3}"/></g>')
    head = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between ``low`` and ``high``: decades, else 1-2-5, else even steps."""
    decades = [
        10.0**k for k in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    ]
    if len(decades) >= 3:
        return decades[:: -(-len(decades) // most)]
    first = math.floor(math.log10(low))
    fine = [m * 10.0**k for k in range(first, math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)]
    fine = [tick for tick in fine if low <= tick <= high]
    if len(fine) >= 3:
        return fine
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= max(m for m in (1, 2, 5) if m * step <= (high - low) / 2)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_text(value: float, *, exponents: bool) -> str:
    """In full, or as m·10^k."""
    if not exponents or value == 1:
        return f"{value:.4g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**exponent
    power = "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return power if abs(mantissa - 1) < 1e-6 else f"{mantissa:.3g}·{power}"


def _padded(low: float, high: float) -> tuple[float, float]:
    """A range about 5 % wider than the data, in the logarithm; never empty."""
    pad = max((high / low) ** 0.05, 1.02)
    return low / pad, high * pad


def _axes(low: float, high: float, x_max: int, across, down) -> str:  # type: ignore[no-untyped-def]
    """Grid lines, tick labels and the name of the x axis."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    exponents = low < 1e-3 or high > 1e5
    for tick in log_ticks(low, high):
        y = down(tick)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = tick_text(tick, exponents=exponents)
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for tick in [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000) if t <= x_max]:
        x = across(tick)
        parts.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    middle = (LEFT + right) / 2
    parts.append(f'<text class="name" x="{middle}" y="{HEIGHT - 3}" text-anchor="middle">iteration</text>')
    return "".join(parts)

"""Numbers over the frames of a series as hand-made SVG, in the look of the convergence plots."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
)

STEPS = (1, 2, 5)  # times a power of ten


def frame_plot(curves: Sequence[Curve], label: str, across_name: str = "frame") -> Markup:
    """An SVG of ``curves`` against the frame, which counts from 1; both axes are linear.

    Values that are not finite are left out and interrupt the line. Empty Markup if no curve has two values.
    """
    kept = [(curve, np.isfinite(curve.values)) for curve in curves]
    kept = [(curve, good) for curve, good in kept if good.sum() > 1]
    if not kept:
        return Markup("")
    every = np.concatenate([curve.values[good] for curve, good in kept])
    n_frames = max(len(curve.values) for curve, _ in kept)
    ticks = even_ticks(float(every.min()), float(every.max()))
    low, high = min(ticks[0], float(every.min())), max(ticks[-1], float(every.max()))

    def across(frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (frame - 1) / max(1, n_frames - 1)

    def down(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [_axes(ticks, n_frames, across_name, across, down)]
    for curve, good in kept:
        style = f"s{curve.series % SERIES_STYLES + 1}"
        parts.append(f'<g class="{style}"><title>{escape(curve.name)}</title>')
        for run in _runs(good):
            points = [(across(k + 1), down(float(curve.values[k]))) for k in run]
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


def _axes(ticks: list[float], n_frames: int, name: str, across, down) -> str:  # type: ignore[no-untyped-def]
    """Grid lines, tick labels and the name of the x axis."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    places = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    for tick in ticks:
        y, text = down(tick), f"{tick:.{places}f}".replace("-", "−") if places < 6 else f"{tick:.2g}"
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for frame in _frame_ticks(n_frames):
        x = across(frame)
        parts.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{frame}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    middle = (LEFT + right) / 2
    parts.append(f'<text class="name" x="{middle}" y="{HEIGHT - 3}" text-anchor="middle">{name}</text>')
    return "".join(parts)


def _frame_ticks(n_frames: int) -> list[int]:
    """1, and multiples of a round number that leave at most six."""
    step = next(m * 10**k for k in range(9) for m in STEPS if n_frames / (m * 10**k) <= 6)
    return [1, *(frame for frame in range(step, n_frames + 1, step) if frame > 1 + step / 2)]

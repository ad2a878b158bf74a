"""Held-out error against a number as hand-made SVG, coloured by the page's CSS."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import mean

from markupsafe import Markup, escape

from proxflow.configs.tunable import Tunable, tunable_numbers
from proxflow.tasks.report.convergence import log_ticks, tick_text
from proxflow.tasks.training.held_out import Fit
from proxflow.tasks.training.search import STEP, Candidate

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 22, 40
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
MOST_TICKS = 6
Place = Callable[[float], float]
ALONE = """<style>svg{background:#fff;font:12px sans-serif}text{fill:#59636d}.rule{stroke:#dbe0e5}
.axis{fill:none;stroke:#59636d}polyline{fill:none}.mean{stroke:#0a5f8f;stroke-width:2}.thin{stroke:#9aa5af}
.tried{fill:#0a5f8f}.chosen,.answer{fill:#c2500a}path.answer{stroke:#c2500a}.before{fill:#fff;stroke:#0a5f8f;stroke-width:2}
.alike{fill:#eef1f4}</style>"""


def error_plot(fit: Fit, n_scans: int) -> Markup:
    """An SVG of the fit's candidates: the mean error, a thin line for each of several scans, the chosen
    value, the one before, and the range that cannot be told from the chosen one. On a logarithmic axis 0
    stands apart at the left.
    """
    tried = sorted(fit.candidates, key=lambda candidate: candidate.value)
    number = tunable_numbers(type(fit.config))[fit.number]
    across = _across(number, [candidate.value for candidate in tried])
    shown = [error for candidate in tried for error in _of_scans(candidate, n_scans)]
    pad = 0.06 * (max(shown) - min(shown)) or 0.01
    low, high = min(shown) - pad, max(shown) + pad

    def down(error: float) -> float:
        return TOP + INNER_HEIGHT * (high - error) / (high - low)

    parts = [_range(fit, across), _errors_axis(low, high, down), _values_axis(number, fit, across)]
    for scan in range(n_scans) if n_scans > 1 else ():
        errors = [_of_scans(one, n_scans)[scan] for one in tried]
        parts.append(_line(tried, errors, across, down, "thin"))
    parts.append(_line(tried, [one.error for one in tried], across, down, "mean"))
    parts += [_mark(fit, one, across, down) for one in tried]
    parts.append(_answer(fit, across, down))
    label = f"held-out error of {fit.method} against {fit.number}"
    head = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")


def standalone_plot(fit: Fit, n_scans: int) -> str:
    """``error_plot`` as a file of its own, with colours for a white page."""
    head, _, rest = error_plot(fit, n_scans).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{ALONE}{rest}'


def _across(number: Tunable, values: list[float]) -> Place:
    """From a value to its place along the x axis."""
    first, last = next(value for value in values if value > 0), values[-1]
    if number.spacing == "linear":
        return lambda value: LEFT + INNER_WIDTH * (value - values[0]) / ((last - values[0]) or 1.0)
    first = first / STEP if values[0] == 0 else first
    span = math.log(last / first) or 1.0
    return lambda value: LEFT + INNER_WIDTH * math.log(max(value, first) / first) / span


def _of_scans(candidate: Candidate, n_scans: int) -> list[float]:
    """Mean error of each scan."""
    each = len(candidate.errors) // n_scans
    return [mean(candidate.errors[scan * each : (scan + 1) * each]) for scan in range(n_scans)]


def _line(tried: list[Candidate], errors: list[float], across: Place, down: Place, style: str) -> str:
    """A polyline through the positive values; 0 is not joined to them."""
    pairs = [(one.value, error) for one, error in zip(tried, errors, strict=True) if one.value > 0]
    points = [f"{across(value):.1f},{down(error):.1f}" for value, error in pairs]
    return f'<polyline class="{style}" points="{" ".join(points)}"/>'


def _mark(fit: Fit, one: Candidate, across: Place, down: Place) -> str:
    style = "chosen" if one == fit.chosen else "before" if one.value == fit.before else "tried"
    return (
        f'<circle class="{style}" cx="{across(one.value):.1f}" cy="{down(one.error):.1f}" '
        f'r="{3 if style == "tried" else 5}"><title>{escape(fit.number)} = {one.value:g}: '
        f"{one.error:.5f}</title></circle>"
    )


def _answer(fit: Fit, across: Place, down: Place) -> str:
    """The chosen value above the picture, and a line down to its mark."""
    x, y = across(fit.chosen.value), down(fit.chosen.error)
    anchor = "start" if x < WIDTH / 3 else "end" if x > 2 * WIDTH / 3 else "middle"
    text = f"{escape(fit.number)} = {fit.chosen.value:g}"
    line = f'<path class="answer" d="M{x:.1f} {TOP}V{y - 5:.1f}"/>'
    return f'{line}<text class="answer" x="{x:.1f}" y="{TOP - 8}" text-anchor="{anchor}">{text}</text>'


def _range(fit: Fit, across: Place) -> str:
    left, right = across(fit.alike[0]), across(fit.alike[1])
    size = f'x="{left:.1f}" width="{right - left:.1f}" y="{TOP}" height="{INNER_HEIGHT}"'
    return f'<rect class="alike" {size}/>' if right > left else ""


def _errors_axis(low: float, high: float, down: Place) -> str:
    """Grid lines with their errors, and both axes."""
    ticks, digits = _even_ticks(low, high)
    parts = []
    for tick in ticks:
        y = down(tick)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.{digits}f}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    return "".join(parts)


def _values_axis(number: Tunable, fit: Fit, across: Place) -> str:
    """Tick labels of the number, 0 among them where it was tried, and its name."""
    values = sorted(candidate.value for candidate in fit.candidates)
    positive = [value for value in values if value > 0]
    if number.spacing == "linear":
        ticks, digits = _even_ticks(values[0], values[-1])
        labels = [(across(tick), f"{tick:.{digits}f}") for tick in ticks]
    else:
        small = positive[0] < 1e-3
        ticks = log_ticks(positive[0], positive[-1])
        labels = [(across(tick), tick_text(tick, exponents=small)) for tick in ticks]
        labels = [(across(0), "0"), *labels] if values[0] == 0 else labels
    bottom, middle = HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2
    parts = [f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{text}</text>' for x, text in labels]
    parts += [f'<path class="axis" d="M{x:.1f} {bottom}v4"/>' for x, _ in labels]
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">{escape(fit.number)}</text>')
    return "".join(parts)


def _even_ticks(low: float, high: float) -> tuple[list[float], int]:
    """Round numbers at even steps between ``low`` and ``high``, and the digits they need."""
    step = 10.0 ** math.floor(math.log10((high - low) / MOST_TICKS))
    step *= next(m for m in (1, 2, 5, 10) if m * step * MOST_TICKS >= high - low)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)], digits

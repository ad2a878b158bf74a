"""The loss of a training against its steps as hand-made SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from proxflow.tasks.network_training.history import History

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 64, 16, 16, 40
STYLE = (
    "<style>svg{background:#fff;font:12px sans-serif}text{fill:#59636d}.rule{stroke:#dbe0e5}"
    "polyline{fill:none;stroke:#0a5f8f;stroke-width:1.5}</style>"
)


def loss_plot(history: History, loss: str = "mean squared error") -> str:
    """A file of its own: the ``loss``, positive, of 25 steps each, on a logarithmic axis."""
    steps = [step for step, _ in history.losses]
    logs = [math.log10(max(loss, 1e-12)) for _, loss in history.losses]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    high = high if high > low else low + 1

    def across(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / steps[-1]

    def down(log: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - log) / (high - low)

    points = " ".join(f"{across(step):.1f},{down(log):.1f}" for step, log in zip(steps, logs, strict=True))
    rules = [
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(power):.1f}" y2="{down(power):.1f}"/>'
        f'<text x="{LEFT - 8}" y="{down(power) + 4:.1f}" text-anchor="end">1e{power}</text>'
        for power in range(low, high + 1)
    ]
    ticks = [
        f'<text x="{across(step):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{step:g}</text>'
        for step in _quarters(steps)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    title = f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">{loss} by step</text>'
    return f'{head}{STYLE}{"".join(rules)}{"".join(ticks)}<polyline points="{points}"/>{title}</svg>\n'


def _quarters(steps: Sequence[int]) -> list[int]:
    return [round(steps[-1] * part / 4) for part in range(5)]

"""The headline of a report: one sentence that the numbers bear out."""

from __future__ import annotations

import math

from proxflow.models.metrics.value import MetricValue
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import best_value, metric_label
from proxflow.tasks.report.numbers import number_text


def verdict(inputs: ReportInputs) -> str:
    """Which method is best by the first metric that ranks, by how much, and who disagrees.

    PSNR is looked for first, then the other metrics in their order. One method is stated alone;
    where no metric ranks, the sentence says that the numbers cannot tell.
    """
    names = sorted(inputs.metric_names, key=lambda name: name != "psnr")
    ranking = [name for name in names if _of(inputs, name)[0][1].higher_is_better is not None]
    if not ranking:
        return "Without a reference or held-out samples, no number here ranks the images: judge them by eye."
    scores = [pair for pair in _of(inputs, ranking[0]) if not math.isnan(pair[1].value)]
    if not scores:
        return f"{metric_label(ranking[0])} could not be computed for any method."
    scores.sort(key=lambda pair: pair[1].value, reverse=bool(scores[0][1].higher_is_better))
    (winner, top), rest = scores[0], scores[1:]
    if not rest:
        target = "the reference" if inputs.reference is not None else "the measurement"
        return f"{winner} against {target}: {_text(top)}."
    if rest[0][1].value == top.value:
        return f"{winner} and {rest[0][0]} are level at {_text(top)}."
    aim = (
        "is closest to the reference"
        if inputs.reference is not None
        else "predicts the samples kept from it best"
    )
    return f"{winner} {aim}: {_text(top)}, {_margins(top, rest)}.{_dissent(inputs, winner, ranking[1:])}"


def _of(inputs: ReportInputs, name: str) -> list[tuple[str, MetricValue]]:
    return [(method.name, method.metrics[name]) for method in inputs.methods if name in method.metrics]


def _text(value: MetricValue) -> str:
    return f"{metric_label(value.name)} {number_text(value.value, value.unit)} {value.unit}".rstrip()


def _margins(top: MetricValue, rest: list[tuple[str, MetricValue]]) -> str:
    """The distance to the runner-up and to the last, in dB, or their numbers where not in dB."""
    chosen = rest if len(rest) < 2 else [rest[0], rest[-1]]
    if top.unit == "dB" and math.isfinite(top.value):
        return " and ".join(f"{top.value - value.value:.2f} dB above {name}" for name, value in chosen)
    numbers = [f"{number_text(value.value, value.unit)} {value.unit}".rstrip() for _, value in chosen]
    return "against " + " and ".join(
        f"{text} for {name}" for text, (name, _) in zip(numbers, chosen, strict=True)
    )


def _dissent(inputs: ReportInputs, winner: str, names: list[str]) -> str:
    """A sentence on the metrics that rank another method first; empty where all agree."""
    others: dict[str, list[str]] = {}
    for name in names:
        values = _of(inputs, name)
        best = best_value([value for _, value in values])
        leaders = [method for method, value in values if best is not None and value.value == best]
        if leaders and winner not in leaders:
            others.setdefault(leaders[0], []).append(metric_label(name))
    if not others:
        return ""
    return (
        " But "
        + "; ".join(f"{method} has the better {' and '.join(labels)}" for method, labels in others.items())
        + "."
    )

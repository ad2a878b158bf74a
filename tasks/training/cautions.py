"""What the errors of a training do not tell, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, stdev

from proxflow.configs.tunable import Tunable
from proxflow.tasks.training.search import Candidate, best

TOLERANCE = 1e-3  # errors this near, relative to the smallest, count as equal whatever their spread
FLAT = 0.4  # of the grid's width: a range of equals so wide leaves the number open
APART = 0.25  # of the grid's width: a scan that alone would choose a value so far away is named
USELESS = 1.0  # predicting zeros for the held-out samples gives this error


def as_good_as(tried: Sequence[Candidate]) -> tuple[float, float]:
    """Ends of the range of values around the best that held-out samples cannot tell from it.

    Candidates are judged on the same samples, so their differences are taken scan by scan and seed by seed:
    a value is as good as the best if its error is larger by no more than one standard error of these
    differences, or by a thousandth.
    """
    chosen = best(tried)
    values = sorted(tried, key=lambda candidate: candidate.value)
    low = high = values.index(chosen)
    while low > 0 and _alike(values[low - 1], chosen):
        low -= 1
    while high < len(values) - 1 and _alike(values[high + 1], chosen):
        high += 1
    return values[low].value, values[high].value


def cautions(
    method: str, name: str, number: Tunable, tried: Sequence[Candidate], scans: Sequence[str]
) -> tuple[str, ...]:
    """On a minimum at an end, a flat curve, errors that mean nothing, and scans that disagree."""
    chosen = best(tried)
    found = [*_at_an_end(method, name, tried, chosen), *_flat(method, name, number, tried)]
    if chosen.error >= USELESS:
        found.append(
            f"{method} predicts held-out measurements worse than zeros would, whatever {name} is "
            f"({chosen.error:.4g} > 1): its numbers cannot be chosen so."
        )
    return (*found, *_disagreeing(method, name, number, tried, scans))


def _at_an_end(method: str, name: str, tried: Sequence[Candidate], chosen: Candidate) -> list[str]:
    values = sorted(candidate.value for candidate in tried)
    if chosen.value == 0:
        return [f"{method}: held-out measurements ask for no weight at all ({name} = 0)."]
    if chosen.value in (values[0], values[-1]):
        end = "smallest" if chosen.value == values[0] else "largest"
        return [
            f"{method}: the error is smallest at the {end} {name} tried, {chosen.value:g}; "
            f"the best may lie beyond."
        ]
    return []


def _flat(method: str, name: str, number: Tunable, tried: Sequence[Candidate]) -> list[str]:
    low, high = as_good_as(tried)
    if _distance(number, low, high) < FLAT:
        return []
    return [
        f"{method}: the curve is flat; {name} from {low:g} to {high:g} predicts held-out measurements "
        f"equally well, so they do not decide it."
    ]


def _disagreeing(
    method: str, name: str, number: Tunable, tried: Sequence[Candidate], scans: Sequence[str]
) -> list[str]:
    """Scans whose own errors are smallest far from the common choice."""
    chosen, found = best(tried).value, []
    per_scan = len(tried[0].errors) // len(scans)
    for index, scan in enumerate(scans):
        of_scan = slice(index * per_scan, (index + 1) * per_scan)
        own = best([Candidate(candidate.value, candidate.errors[of_scan]) for candidate in tried]).value
        if _distance(number, own, chosen) > APART:
            found.append(f"{method}: {scan} alone would choose {name} = {own:g}, far from {chosen:g}.")
    return found


def _distance(number: Tunable, one: float, other: float) -> float:
    """Between two values, in widths of the first grid; infinite from 0 to another on a logarithmic one."""
    if one == other:
        return 0.0
    if number.spacing == "linear":
        return abs(one - other) / (number.high - number.low)
    if min(one, other) == 0:
        return math.inf
    return abs(math.log(one / other)) / math.log(number.high / number.low)


def _alike(candidate: Candidate, chosen: Candidate) -> bool:
    differences = [one - other for one, other in zip(candidate.errors, chosen.errors, strict=True)]
    spread = stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return mean(differences) <= max(spread, TOLERANCE * chosen.error)

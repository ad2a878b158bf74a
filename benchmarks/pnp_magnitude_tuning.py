"""Numbers of the methods of `pnp_magnitude_table`, by the mean PSNR of scenes that the table does not see."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean
from typing import Any

from benchmarks.kept_figures import KeptFigures
from benchmarks.magnitude_contenders import GRIDS, START, Networks, Numbers, solved
from benchmarks.magnitude_figures import normalised, psnr
from benchmarks.magnitude_scenes import Cell, posed

FIRST, SCENES = 80, 12  # of the held-out scenes: neither the table's nor those that trainings are judged by
SNR_DB = 20  # numbers found at it serve at every noise level: what noise asks for is left to epsilon

Trial = dict[str, Any]
"""numbers, weights, psnr: the mean in dB."""


def tune(kept: KeptFigures, cells: Sequence[Cell], methods: Sequence[str], networks: Networks) -> None:
    """Try what the grids hold and the file does not, for each number of frequencies."""
    for cell in dict.fromkeys(map(_of_tuning, cells)):
        for method in (name for name in methods if name in GRIDS):
            search(START[method], GRIDS[method], partial(_score, kept, cell, method, networks))


def _of_tuning(cell: Cell) -> Cell:
    return Cell(cell.n_frequencies, SNR_DB)


def _score(kept: KeptFigures, cell: Cell, method: str, networks: Networks, numbers: Numbers) -> float:
    """The PSNR of these numbers, from the file or into it."""
    trials: list[Trial] = kept.content.setdefault(str(cell), {}).setdefault(method, [])
    weights = networks.weights(method)
    for trial in trials:
        if trial["numbers"] == numbers and trial["weights"] == weights:
            return float(trial["psnr"])
    problem = posed(cell, FIRST, SCENES)
    images = normalised(solved(method, problem, numbers, networks).images)
    found = mean(psnr(*pair) for pair in zip(images.numpy(), problem.truth.numpy(), strict=True))
    trials.append({"numbers": numbers, "weights": weights, "psnr": round(found, 3)})
    kept.save()
    print(f"{cell} {method} {numbers}: {found:.2f} dB", file=sys.stderr, flush=True)
    return found


def search(
    start: Numbers, grid: Sequence[tuple[str, Sequence[float]]], score: Callable[[Numbers], float]
) -> Numbers:
    """The numbers of the highest score: one after the other, the others at their best so far; then, as long
    as one of them is better, the values next to them in the grid.
    """
    best = dict(start)
    for name, values in grid:
        best = max(({**best, name: value} for value in values), key=score)
    while True:
        beside = [{**best, name: value} for name, values in grid for value in _next_to(best[name], values)]
        found = max((best, *beside), key=score)
        if found == best:
            return best
        best = found


def _next_to(value: float, values: Sequence[float]) -> list[float]:
    at = values.index(value)
    return [*values[max(at - 1, 0) : at], *values[at + 1 : at + 2]]


def chosen(content: dict[str, Any], cell: Cell, method: str, weights: str) -> Numbers:
    """The numbers of the best trial at ``SNR_DB``; none for a method that has none. SystemExit where nothing
    was tried.
    """
    if method not in GRIDS:
        return {}
    cell = _of_tuning(cell)
    trials = [one for one in content.get(str(cell), {}).get(method, []) if one["weights"] == weights]
    if not trials:
        raise SystemExit(f"numbers must hold trials of {method} for {cell} with {weights!r}; run --tune")
    best: Numbers = max(trials, key=lambda one: one["psnr"])["numbers"]
    return best

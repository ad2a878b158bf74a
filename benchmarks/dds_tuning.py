"""Numbers of the methods of the tables of decomposed diffusion sampling, by the mean PSNR of images that no
table reports, over all ways in which they are sampled: one set of numbers for all of those."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from statistics import mean
from typing import Any

from benchmarks.dds_contenders import DDS, Contender, Numbers, Posed, solved
from benchmarks.dds_figures import figures
from benchmarks.kept_figures import KeptFigures
from proxflow.models.solvers.iteration import DivergenceError

Grid = Sequence[Sequence[Numbers]]
"""Choices that are made one after the other; each option sets some numbers."""

SAMPLED = 50  # levels with which numbers of the sampler are chosen; they serve for others
LAMBDAS: list[Numbers] = [{"lam": lam} for lam in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)]
DATA: list[Numbers] = [
    {"consistency": "adaptive"},
    *({"consistency": "proximal", "gamma": gamma} for gamma in (1, 5, 30, 150)),
    {"consistency": "hard"},
]
STEPS: list[Numbers] = [{"n_cg": n} for n in (5, 10, 20)]
TOLD: list[Numbers] = [{"sigma": sigma} for sigma in (0.02, 0.05, 0.1)]
BESIDE: dict[str, Grid] = {
    "score_mri": [[{"last_data_weight": weight} for weight in (0.2, 0.5, 1.0)]],
    "dps": [[{"zeta": zeta} for zeta in (1, 2, 5, 10)]],
    "red": [[{"lam": lam} for lam in (0.01, 0.05, 0.2)], TOLD],
    "pnp_admm": [[{"rho": rho} for rho in (0.03, 0.1, 0.3)], TOLD],
}
PHASES: list[Numbers] = [{"phase": "smooth"}, {"phase": "kept"}]
MRI_GRIDS: dict[str, Grid] = {
    "cg_sense": [[{"lam": lam} for lam in (0, 3e-3, 1e-2, 3e-2, 1e-1)]],
    "tv": [LAMBDAS],
    "l1_wavelet": [LAMBDAS],
    "dds": [DATA, PHASES, STEPS],
    **{name: [*grid, PHASES] for name, grid in BESIDE.items()},
}
NONNEGATIVE_TV: list[Numbers] = [{"n_iter": 200, "nonnegative": True, **one} for one in LAMBDAS]
CT_GRIDS: dict[str, Grid] = {
    "fbp": [[{"window": "hann"}, {"window": "ramp"}]],
    "cgls": [[{"n_iter": n} for n in (5, 10, 20, 40)]],
    "tv": [NONNEGATIVE_TV],
    "dds": [DATA, STEPS],
    "dds-axial": [[{"axial_lam": lam} for lam in (1e-4, 1e-3, 1e-2)], STEPS],
    **BESIDE,
}


def tune(
    kept: KeptFigures,
    section: str,
    rows: Sequence[Contender],
    grids: Mapping[str, Grid],
    scans: Sequence[Callable[[], Posed]],
    device: str,
) -> None:
    """Try what the grids hold and the file does not, once for rows that share numbers."""
    posed = cache(lambda: [scan() for scan in scans])
    for row in {(row.tuned, row.weights): row for row in rows}.values():
        if row.method == DDS:
            row = row._replace(fixed={**row.fixed, "n_iter": SAMPLED, "samples": 1})
        if row.tuned in grids:
            search(grids[row.tuned], partial(_tried, kept, section, row, posed, device))


def search(grid: Grid, score: Callable[[Numbers], float]) -> Numbers:
    """The numbers of the highest score, one choice after the other, the earlier ones at their best; those not
    yet made are at their first option."""
    best: Numbers = {}
    for options in reversed(grid):
        best = {**best, **options[0]}
    for options in grid:
        names = {name for option in options for name in option}
        rest = {name: value for name, value in best.items() if name not in names}
        best = max(({**rest, **option} for option in options), key=score)
    return best


def chosen(content: Mapping[str, Any], section: str, row: Contender, grids: Mapping[str, Grid]) -> Numbers:
    """The numbers of the best trial; none for a method without a grid. SystemExit where nothing was tried."""
    if row.tuned not in grids:
        return {}
    trials = [one for one in content.get(section, {}).get(row.tuned, []) if one["weights"] == row.weights]
    if not trials:
        told = f" with {row.weights!r}" if row.weights else ""
        raise SystemExit(f"numbers must hold trials of {row.tuned}{told} for {section}; run --tune")
    best: Numbers = max(trials, key=lambda one: one["psnr"])["numbers"]
    return best


def _tried(
    kept: KeptFigures,
    section: str,
    row: Contender,
    posed: Callable[[], Sequence[Posed]],
    device: str,
    numbers: Numbers,
) -> float:
    """The PSNR of these numbers, from the file or into it."""
    trials: list[dict[str, Any]] = kept.content.setdefault(section, {}).setdefault(row.tuned, [])
    for trial in trials:
        if trial["numbers"] == numbers and trial["weights"] == row.weights:
            return float(trial["psnr"])
    scores = []
    for one in posed():
        try:
            image = solved(row, numbers, one, device).image
        except DivergenceError:
            scores.append(0.0)  # the error as large as the peak: worse than any that did not
            continue
        scores.append(figures(image, one.reference, one.region)["psnr"])
    found = round(mean(scores), 3)
    trials.append({"numbers": numbers, "weights": row.weights, "psnr": found})
    kept.save()
    print(f"{section}, {row.label}, {numbers}: {found:.2f} dB", file=sys.stderr, flush=True)
    return found

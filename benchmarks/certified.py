"""What a method that certifies its run tells a table: the fixed point, the objective, its conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.dds_contenders import Solved

CERTIFIED = ("fixed point, worst", "rise, worst", "conditions that do not hold")


def certified_figures(found: Solved) -> dict[str, Any]:
    """``fixed_point_residual`` at the end; ``rise``, ``largest_rise`` of the objective, where it has one;
    ``broken``, the names of conditions that did not hold; nothing of a method without a certificate."""
    if found.certificate is None:
        return {}
    told: dict[str, Any] = {
        "fixed_point_residual": float(f"{found.certificate.figures['fixed_point_residual']:.4g}"),
        "broken": [one.name for one in found.certificate.conditions if not one.holds],
    }
    rise = largest_rise([report.objective for report in found.trace])
    return told if math.isnan(rise) else {**told, "rise": float(f"{rise:.4g}")}


def largest_rise(objective: Sequence[float]) -> float:
    """max_k max(0, F_{k+1} - F_k) / (max F - min F): 0 where F never rises, 1 where one rise is as large as
    all that F ever differed; no constant that is added to F changes it. NaN of values that are not finite.
    """
    if not all(map(math.isfinite, objective)):
        return math.nan
    rise = max((after - before for before, after in pairwise(objective)), default=0.0)
    return rise / (max(objective) - min(objective)) if rise > 0 else 0.0


def certified_cells(figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the objects of one row, in the order of ``CERTIFIED``; empty where nothing is certified."""
    if "broken" not in figures[0]:
        return [""] * len(CERTIFIED)
    rises = [one["rise"] for one in figures if "rise" in one]
    broken = dict.fromkeys(name for one in figures for name in one["broken"])
    return [
        f"{max(one['fixed_point_residual'] for one in figures):.1e}",
        f"{max(rises):.1e}" if rises else "",
        ", ".join(broken) or "none",
    ]

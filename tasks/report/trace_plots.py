"""Which numbers of the iterations a report plots, and in which plot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from proxflow.tasks.report.convergence import Curve, log_plot
from proxflow.tasks.report.inputs import ReportInputs

HELD_OUT = "held_out_residual"  # a method's figure that belongs beside its data residual
PRIOR = "prior"  # of a method that traces it, values are known up to a constant, and so is its objective
EVERY_METHOD = ("objective", "relative_change", "data_residual")
KNOWN = {
    "objective": (
        "Objective relative to its first value",
        "each method minimises its own, so levels do not compare; with a prior known up to a constant, above "
        "the lowest",
    ),
    "relative_change": (
        "Relative change of the image",
        "‖x_k − x_(k−1)‖ / ‖x_k‖; of admm with lpn together with the residual of its fixed point",
    ),
    "data_residual": ("Data residual", "‖A x − y‖ / ‖y‖ on the sampled data"),
    "primal_residual": ("Primal residual", "how far the two copies of the image differ, relative to it"),
    "spread_of_samples": (
        "Spread of samples",
        "standard deviation of the samples over their mean, both root mean square; not calibrated",
    ),
    "fixed_point_residual": (
        "Residual of the fixed point",
        "how far the image is from where the iteration rests, relative to it",
    ),
    PRIOR: (
        "Value of the prior",
        "R of what the network made, the image itself or, of admm, its copy z, known up to a constant: above "
        "its lowest value",
    ),
    "clipped": ("Clipped", "what was cut off at 0 or by a box, relative to the image; R is not told of it"),
    "dual_norm": ("Norm of the dual variable", "it stays bounded where the method converges"),
}
HELD_OUT_TEXT = "‖A x − y‖ / ‖y‖; thin, with a ring at the lowest: on views kept from the method"


class Plot(NamedTuple):
    heading: str
    explanation: str
    svg: Markup


def trace_plots(inputs: ReportInputs) -> list[Plot]:
    """One plot of each quantity that any method has traced: those of every method, then methods' own."""
    traced = dict.fromkeys(name for method in inputs.methods for name in method.trace)
    own = [name for name in traced if name not in EVERY_METHOD and name != HELD_OUT]
    plots = []
    for name in (*EVERY_METHOD, *own):
        heading, explanation = KNOWN.get(name, (words(name), "a figure of the method's own"))
        curves = list(_curves(inputs, name))
        if name == "data_residual" and HELD_OUT in traced:
            explanation = HELD_OUT_TEXT
            curves += [curve._replace(held_out=True) for curve in _curves(inputs, HELD_OUT)]
        svg = log_plot(curves, f"{heading} against iteration, logarithmic axes")
        if svg:
            plots.append(Plot(heading, explanation, svg))
    return plots


def _curves(inputs: ReportInputs, name: str) -> Iterator[Curve]:
    for series, method in enumerate(inputs.methods):
        values = np.asarray(method.trace.get(name, ()), dtype=np.float64)
        if len(values):
            if name in ("objective", PRIOR) and PRIOR in method.trace:
                values = values - np.nanmin(values) if np.isfinite(values).any() else values
            relative = name == "objective" and values[0] > 0
            yield Curve(method.name, series, values / values[0] if relative else values)


def words(name: str) -> str:
    """``dual_norm`` as ``Dual norm``."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]

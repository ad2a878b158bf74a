"""Certificates on the page and in metrics.json, and the curves of a prior known up to a constant."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from proxflow.models.learned_prox.conditions import Condition
from proxflow.models.methods.certificate import Certificate
from proxflow.tasks.report.certificate_section import certificate_parts
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_files import metrics_document
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.trace_plots import trace_plots


def certificate(*holds: bool, after: float = -7.25) -> Certificate:
    names = ("rho > L_h", "nothing clipped", "image <in> range")
    conditions = tuple(
        Condition(name, held, f"{name} must hold") for name, held in zip(names, holds, strict=True)
    )
    return Certificate(conditions, {"prior_before": 3.5, "prior_after": after})


@pytest.fixture
def certified(inputs: ReportInputs) -> ReportInputs:
    """The made-up run, whose last method certified its three items."""
    certificates = (
        certificate(True, True, False),
        certificate(True, False, False),
        certificate(True, True, False, after=math.nan),
    )
    last = dataclasses.replace(inputs.methods[2], certificates=certificates)
    return dataclasses.replace(inputs, methods=(*inputs.methods[:2], last))


def test_conditions_are_counted_over_items(certified: ReportInputs) -> None:
    (part,) = certificate_parts(certified)
    assert (part.series, part.name) == (2, "tv")
    assert part.summary == "did not hold: nothing clipped, image <in> range"
    assert [row.held for row in part.conditions] == ["held", "held in 2 of 3 items", "did not hold"]
    assert [figure.value for figure in part.figures] == ["3.5", "-7.25"]


def test_the_page_shows_them_escaped(certified: ReportInputs, inputs: ReportInputs) -> None:
    page = render_report(certified)
    assert "tv: did not hold: nothing clipped, image &lt;in&gt; range" in page
    assert "the sentences are of slice 0" in page and "up to the same constant" in page
    assert 'id="certificate"' not in render_report(inputs)


def test_metrics_have_them_for_every_item(certified: ReportInputs, inputs: ReportInputs) -> None:
    methods = metrics_document(certified)["methods"]
    assert [len(methods[name].get("certificate", [])) for name in methods] == [0, 0, 3]
    assert methods["tv"]["certificate"][2]["figures"] == {"prior_before": 3.5, "prior_after": None}
    assert all("certificate" not in entry for entry in metrics_document(inputs)["methods"].values())


def test_objectives_known_up_to_a_constant_are_drawn_above_their_lowest(inputs: ReportInputs) -> None:
    """Both axes are logarithmic, and such an objective may be negative."""
    k = np.arange(1, 7)
    falling = {"objective": 1 / k - 100, "prior": 2 / k - 40, "fixed_point_residual": 0.1**k}
    lower = {
        name: values - 5 if name != "fixed_point_residual" else values for name, values in falling.items()
    }
    pages = []
    for trace in (falling, lower):
        method = dataclasses.replace(inputs.methods[2], trace=trace)
        plots = {
            plot.heading: plot.svg for plot in trace_plots(dataclasses.replace(inputs, methods=(method,)))
        }
        assert list(plots) == [
            "Objective relative to its first value", "Value of the prior", "Residual of the fixed point"
        ]  # fmt: skip
        assert plots["Objective relative to its first value"].count("polyline") == 1
        pages.append(plots["Value of the prior"])
    assert pages[0] == pages[1]

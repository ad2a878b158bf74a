"""The parts of the report: window, verdict, plots, palettes, pictures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest

from proxflow.models.metrics.registry import metric_value
from proxflow.tasks.report.convergence import Curve, log_plot, log_ticks, tick_text
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import metric_columns
from proxflow.tasks.report.numbers import bytes_text, number_text, seconds_text
from proxflow.tasks.report.palettes import phase_palette, signed_palette
from proxflow.tasks.report.pictures import binary, grey, montage, phase, signed
from proxflow.tasks.report.verdict import verdict

Make = Callable[..., ReportInputs]


def with_metrics(inputs: ReportInputs, **values: tuple[float, ...]) -> ReportInputs:
    """The run with these metrics alone, one number per method."""
    methods = []
    for index, method in enumerate(inputs.methods):
        found = {
            n: metric_value(n, v[index], convention_text="") for n, v in values.items() if index < len(v)
        }
        methods.append(dataclasses.replace(method, metrics=found))
    return dataclasses.replace(inputs, methods=tuple(methods))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"ssim": (0.7, 0.8, 0.9), "psnr": (30.0, 33.5, 35.0)},
            "tv is closest to the reference: PSNR 35.00 dB, 1.50 dB above cg_sense and 5.00 dB above zero",
        ),
        (
            {"psnr": (30.0, 33.5, 35.0), "ssim": (0.7, 0.95, 0.9), "hfen": (0.5, 0.2, 0.3)},
            "But cg_sense has the better SSIM and HFEN.",
        ),
        ({"psnr": (30.0, 35.0, 35.0)}, "cg_sense and tv are level at PSNR 35.00 dB."),
        ({"psnr": (math.nan, 33.0, math.inf)}, "PSNR ∞ dB, against 33.00 dB for cg_sense."),
        ({"psnr": (math.nan,) * 3}, "PSNR could not be computed for any method."),
        ({"psnr": (31.25,)}, "zero_filled against the reference: PSNR 31.25 dB."),
        ({"data_residual": (0.3, 0.1, 0.2)}, "no number here ranks the images"),
    ],
)
def test_verdict_follows_the_numbers(inputs: ReportInputs, values: dict, sentence: str) -> None:
    assert sentence in verdict(with_metrics(inputs, **values))


def test_verdict_without_reference_is_about_held_out_samples(changed: Make) -> None:
    blind = with_metrics(
        changed(reference=None), held_out_error=(0.5, 0.3, 0.2), data_residual=(0.1, 0.2, 0.3)
    )
    assert verdict(blind) == (
        "tv predicts the samples kept from it best: held-out error 0.2000, "
        "against 0.3000 for cg_sense and 0.5000 for zero_filled."
    )


def test_best_cells_follow_the_direction_and_ties_share(inputs: ReportInputs) -> None:
    columns = metric_columns(
        with_metrics(
            inputs,
            psnr=(1.0, 3.0, 3.0),
            nmse=(0.1, 0.2, math.nan),
            data_residual=(1.0, 2.0, 3.0),
            hfen=(1.0,) * 3,
        )
    )
    marks = {column.name: [cell.best for cell in column.cells] for column in columns}
    assert marks["psnr"] == [False, True, True] and marks["nmse"] == [True, False, False]
    assert not any(marks["data_residual"]) and not any(marks["hfen"])
    assert [column.arrow for column in columns] == ["↑", "↓", "", "↓"]


def test_plot_is_sound_svg_that_leaves_out_what_a_log_axis_cannot_show() -> None:
    curves = [Curve("a<b", 0, np.array([1.0, 0.0, np.nan, 1e-3])), Curve("none", 1, np.array([-1.0, np.inf]))]
    root = ElementTree.fromstring(log_plot(curves, "x & y"))
    lines = root.findall(".//polyline")
    assert len(lines) == 1 and len(lines[0].attrib["points"].split()) == 2
    assert root.findtext(".//g/title") == "a<b"
    assert not [
        a for e in root.iter() for a in e.attrib if a in ("fill", "stroke")
    ]  # colours come from the CSS


def test_plot_of_nothing_or_of_single_points_is_empty() -> None:
    assert log_plot([], "x") == "" == log_plot([Curve("a", 0, np.array([0.3]))], "x")


@pytest.mark.parametrize(
    ("low", "high"), [(1e-7, 1), (0.2, 30), (0.31, 0.33), (1, 1.0001), (0.9, 8), (1e-12, 1e12)]
)
def test_ticks_are_few_and_within(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 8 and all(low * (1 - 1e-9) <= tick <= high * (1 + 1e-9) for tick in ticks)


def test_tick_texts() -> None:
    assert tick_text(0.05, exponents=False) == "0.05" and tick_text(1e-4, exponents=True) == "10⁻⁴"
    assert tick_text(2e-4, exponents=True) == "2·10⁻⁴" and tick_text(1, exponents=True) == "1"


def test_palettes_are_symmetric_and_closed() -> None:
    luminance = signed_palette()[:255] @ np.array([0.2126, 0.7152, 0.0722])
    assert luminance.argmin() == 127
    steps = np.abs(np.diff(phase_palette().astype(int), axis=0, append=phase_palette()[:1].astype(int)))
    assert steps.max() <= 8  # the last colour meets the first


def test_pictures_hold_the_values() -> None:
    values = np.array([[0.0, 1.0, 2.0], [4.0, 9.0, -1.0]])
    assert np.asarray(grey(values, 4.0)).tolist() == [[0, 64, 128], [255, 255, 0]]
    assert np.asarray(signed(values - 2, 2.0)).tolist() == [[0, 63, 127], [254, 254, 0]]
    turn = np.exp(1j * np.array([[-3.0, 0.0, 3.0]]))
    shown = np.asarray(phase(turn, np.array([[True, True, False]])))
    assert shown[0, 1] == 128 and shown[0, 2] == 0 and 0 < shown[0, 0] < 10
    assert np.asarray(binary(np.eye(3, dtype=bool))).tolist() == np.eye(3, dtype=bool).tolist()


def test_montage_puts_tiles_row_by_row() -> None:
    tiles = np.arange(1, 6)[:, None, None] * np.ones((5, 2, 3))
    sheet = montage(tiles, 3)
    assert sheet.shape == (5, 11)
    assert sheet[0, ::4].tolist() == [1, 2, 3] and sheet[3, ::4].tolist() == [4, 5, 0] and not sheet[2].any()


def test_numbers_as_text() -> None:
    assert [number_text(v) for v in (0.97123, 0.0, 0.001634, 1.6e-5, math.inf, math.nan, 123.456)] == [
        "0.9712",
        "0.0000",
        "0.00163",
        "1.60e−5",
        "∞",
        "–",
        "123.5",
    ]
    assert number_text(-3.456, "dB") == "−3.46"
    assert [seconds_text(s) for s in (0.012, 1.234, 45.67, 300)] == ["12 ms", "1.23 s", "45.7 s", "5.0 min"]
    assert [bytes_text(b) for b in (None, 12, 3 << 20, 5 << 30)] == ["–", "12 B", "3 MiB", "5.00 GiB"]

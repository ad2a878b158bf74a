"""The page of a series: film, animation, profiles and numbers over the frames."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable
from html import unescape

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.animation import MOST_BYTES, animation, still, tile_side
from proxflow.tasks.report.convergence import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve
from proxflow.tasks.report.curve_plots import curve_plots
from proxflow.tasks.report.film import strips
from proxflow.tasks.report.frame_plot import even_ticks, frame_plot
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_files import metrics_csv, metrics_document, metrics_json
from proxflow.tasks.report.panels import picture_panel
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.series import box_mean, spread
from proxflow.tasks.report.series_section import frame_errors
from proxflow.tasks.report.series_window import series_window
from proxflow.tasks.report.trace_plots import trace_plots
from proxflow.tasks.stages.report_series import series_of

Make = Callable[..., ReportInputs]


def decoded(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def lines(svg: str) -> list[np.ndarray]:
    """(point, 2) of every line of a plot."""
    found = re.findall(r'<polyline points="([^"]+)"', svg)
    return [np.array([[float(v) for v in pair.split(",")] for pair in one.split()]) for one in found]


def test_film_shows_evenly_spread_frames_of_every_method(moving: Make) -> None:
    run = moving()
    assert run.series is not None and run.reference is not None and run.series.reference is not None
    assert run.series.film == (0, 2, 3, 5, 6, 8, 9, 11)
    upper = series_window(run.series).upper
    reference, *methods = strips(run, run.series)
    reel = decoded(reference.film)
    assert reel.shape == (24, 8 * 18 + 7 * 2) and reference.error == ""
    expected = np.clip(run.series.reference.film[3] / upper, 0, 1) * 255
    np.testing.assert_allclose(reel[:, 3 * 20 : 3 * 20 + 18], expected, atol=0.51)
    assert not reel[:, 18:20].any()
    assert [strip.name for strip in methods] == ["framewise_fbp", "red_psm"]
    error = decoded(methods[0].error)
    assert error.shape == reel.shape and (error[:, 18:20] == 127).all()
    shown, truth = run.series.methods[0].film[0], run.series.reference.film[0]
    clear = np.abs(shown - truth) > 0.05
    assert np.array_equal((error[:, :18] > 127)[clear], (shown > truth)[clear])


def test_page_names_the_frames_it_shows(moving: Make) -> None:
    run = moving()
    html = render_report(run, animation(run))
    text = plain(html)
    assert "24 × 18, 1 × 1 mm, 12 frames" in text and "voxels" not in text
    assert "frame 1 of 12 frame 3 of 12 frame 4 of 12" in text and "Frame frame 1 of 12" in text
    assert "4 of 12 frames are shown" in text
    assert "Every image of an item has the same grey window" in text
    assert "Magnitude of" not in html and "Values of red_psm, frame 1 of 12 to frame 12 of 12" in html
    assert "compressed with loss" in text and "One item" in text


def test_frames_of_the_viewer_and_the_film_share_a_window(moving: Make) -> None:
    run = moving()
    assert run.series is not None
    windows = {picture_panel(run, picture).window for picture in range(run.shape[0])}
    assert windows == {series_window(run.series)}
    caption = picture_panel(run, 2).views[1].caption
    assert f"PSNR {run.methods[1].metrics['psnr'].per_frame[0][6]:.2f} dB" in caption


def test_errors_of_good_methods_show_beside_those_of_a_failed_one(moving: Make) -> None:
    good = (("a", 0.02, 1), ("b", 0.02, 1), ("failed", 2.0, 1))
    series = moving(methods=good).series
    alone = moving(methods=good[:2]).series
    assert series is not None and alone is not None
    assert series_window(series) == series_window(alone) and series_window(series).factor > 10


def test_animation_moves_through_all_frames_side_by_side(moving: Make) -> None:
    run = moving(n_frames=10)
    content = animation(run)
    assert content is not None and run.series is not None
    with Image.open(io.BytesIO(content)) as film:
        assert film.format == "WEBP" and film.n_frames == 10 and film.info["loop"] == 0
        frames = []
        for k in range(10):
            film.seek(k)
            frames.append(np.asarray(film.convert("L"), dtype=float))
        assert film.info["duration"] == 400
    shown = np.asarray(still(run, run.series).convert("L"), dtype=float)
    assert shown.shape == frames[0].shape
    assert np.abs(frames[5] - shown).mean() < 4 < np.abs(frames[0] - shown).mean()


def test_a_long_or_noisy_animation_stays_small(moving: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    long = moving(n_frames=70).series
    assert long is not None and len(long.moving) == 64 and long.moving[-1] == 69
    run = moving(n_frames=8, size=(32, 32), methods=(("noise", 2.0, 1),))
    whole = animation(run)
    assert whole is not None and len(whole) <= MOST_BYTES
    monkeypatch.setattr("proxflow.tasks.report.animation.MOST_BYTES", len(whole) // 6)
    small = animation(run)
    assert small is not None and len(small) <= len(whole) // 6
    with Image.open(io.BytesIO(small)) as film:
        assert 1 <= film.n_frames < 8


def test_animation_has_a_still_for_those_who_want_no_motion(moving: Make) -> None:
    run = moving()
    html = render_report(run, animation(run))
    source = re.search(r'<source id="still" srcset="(data:image/png[^"]+)" media="([^"]+)">', html)
    assert source and source[2] == "(prefers-reduced-motion: reduce)"
    assert decoded(source[1]).shape[2] == 3
    image = re.search(r'<img id="moving" src="data:image/webp;base64,[^"]+" [^>]*alt="([^"]+)"', html)
    assert image and "All 12 frames in turn: the reference and framewise_fbp, red_psm" in image[1]
    assert '<button id="motion" type="button">' in html
    without = render_report(run)
    assert 'id="moving"' not in without and 'class="reel"' in without


def test_previews_hold_the_animation(moving: Make, inputs: ReportInputs) -> None:
    run = moving()
    content = animation(run)
    assert content is not None
    assert render_previews(run, content)["series.webp"] == content
    assert "series.webp" not in render_previews(inputs, animation(inputs))


def test_profiles_are_lines_of_pixels_over_time(moving: Make) -> None:
    run = moving()
    assert run.series is not None and run.series.reference is not None
    upper, truth = series_window(run.series).upper, run.series.reference
    strip = strips(run, run.series)[0]
    np.testing.assert_allclose(decoded(strip.row), np.clip(truth.row.T / upper, 0, 1) * 255, atol=0.51)
    assert decoded(strip.row).shape == (18, 12) and decoded(strip.column).shape == (24, 12)
    text = plain(render_report(run))
    assert f"column {run.series.column} with y down, and below it row {run.series.row} with x down" in text


def test_profiles_are_cut_through_the_object_where_it_changes() -> None:
    series = np.ones((6, 20, 30), np.float32)
    series[::2, 7, 3:20] = 2
    series[::2, 5:9, 12] = 3
    series[::2, 0] = series[::2, :, 29] = 9  # a bright rim
    found = series_of({"tv": series}, None, 6)
    assert (found.row, found.column) == (7, 12) and found.cut_by == "the image of tv"
    np.testing.assert_array_equal(found.methods[0].row, series[:, 7])
    np.testing.assert_array_equal(found.methods[0].column, series[:, :, 12])
    empty = series_of({"tv": np.zeros((2, 9, 9), np.float32)}, None, 2)
    assert (empty.row, empty.column) == (0, 0)


def test_complex_series_are_shown_by_their_magnitude(moving: Make) -> None:
    run = moving(complex_values=True)
    assert run.series is not None and run.series.reference is not None
    assert not np.iscomplexobj(run.series.reference.film) and run.series.reference.film.min() >= 0
    assert "Magnitude of red_psm" in render_report(run) and "|x| − |ref|" in plain(render_report(run))
    mixed = series_of({"a": np.full((2, 8, 8), -1.0), "b": np.full((2, 8, 8), -1.0 + 0j)}, None, 2)
    assert mixed.methods[0].film.min() == 1


def test_large_frames_are_thinned_by_means_of_whole_pixels() -> None:
    frame = np.arange(7 * 9, dtype=float).reshape(7, 9)
    np.testing.assert_allclose(box_mean(frame, 5)[0, 0], frame[:2, :2].mean())
    assert box_mean(frame, 5).shape == (3, 4) and box_mean(frame, 9) is frame
    big = np.random.default_rng(0).random((3, 700, 400)).astype(np.float32)
    found = series_of({"tv": big}, None, 3)
    assert max(found.methods[0].moving.shape[1:]) <= tile_side(1)
    assert found.methods[0].row.shape == (3, 256) and found.methods[0].column.shape == (3, 256)
    assert spread(5, 8) == (0, 1, 2, 3, 4) and spread(1, 8) == (0,)


def test_a_run_of_two_series_without_reference(moving: Make) -> None:
    run = moving(items=2, reference=False)
    html = render_report(run, animation(run))
    text = plain(html)
    assert "In time: slice 0" in text and "24 frames are shown" in text and "Error of" not in html
    assert "where the image of framewise_fbp varies most" in text and "Every frame against" not in text
    assert text.count("varies most over time (counted from 0)") == 1 and "2 items" in text


def test_errors_of_every_frame_are_one_line_a_method(moving: Make) -> None:
    run = moving()
    assert run.series is not None
    plots = {plot.heading: plot for plot in frame_errors(run, run.series)}
    assert list(plots) == ["PSNR", "SSIM", "HFEN"]
    assert plots["PSNR"].explanation == "dB, higher is better"
    drawn = lines(plots["PSNR"].svg)
    assert [len(line) for line in drawn] == [12, 12]
    values = np.array([method.metrics["psnr"].per_frame[0] for method in run.methods])
    heights = np.stack([line[:, 1] for line in drawn])
    slope, offset = np.polyfit(values.ravel(), heights.ravel(), 1)
    assert slope < 0
    np.testing.assert_allclose(heights, offset + slope * values, atol=0.06)


def test_a_gap_interrupts_a_line_and_constants_have_an_axis() -> None:
    values = np.array([1.0, 2.0, np.nan, np.inf, 3.0, 4.0, np.nan, 2.0])
    svg = frame_plot([Curve("a", 0, values)], "label")
    assert [len(line) for line in lines(svg)] == [2, 2] and svg.count("<circle") == 1
    across = np.concatenate([line[:, 0] for line in lines(svg)])
    step = (WIDTH - LEFT - RIGHT) / 7
    np.testing.assert_allclose((across - LEFT) / step, [0, 1, 4, 5], atol=0.01)
    flat = lines(frame_plot([Curve("a", 0, np.full(4, 0.7))], "label"))[0]
    assert (flat[:, 1] > TOP).all() and (flat[:, 1] < HEIGHT - BOTTOM).all()
    assert frame_plot([Curve("a", 0, np.array([1.0]))], "label") == ""
    (steep,) = lines(frame_plot([Curve("a", 0, np.array([1e-4, 1e-2, 1.0]))], "label"))
    assert steep[0, 1] - steep[1, 1] == pytest.approx(steep[1, 1] - steep[2, 1], abs=0.11)
    assert even_ticks(0.12, 0.97) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert even_ticks(-3, 5) == [-4, -2, 0, 2, 4, 6]


def test_temporal_functions_are_drawn_over_the_frames(moving: Make) -> None:
    run = moving()
    (found,) = curve_plots(run.methods[1])
    assert found.plot.heading == "red_psm: temporal functions" and found.n_lines == 4
    assert [len(line) for line in lines(found.plot.svg)] == [12] * 4
    assert "red_psm: temporal functions" in plain(render_report(run))


def test_errors_by_rank_are_drawn_against_the_rank(moving: Make) -> None:
    curves = {"functions_tried": [[2.0, 4.0, 8.0], [0.5, 0.3, 0.4]], "some_thing": [[1.0, 2.0]]}
    rank, other = curve_plots(dataclasses.replace(moving().methods[1], curves=curves))
    (line,) = lines(rank.plot.svg)
    width = WIDTH - LEFT - RIGHT
    np.testing.assert_allclose(line[:, 0], [LEFT, LEFT + width / 3, LEFT + width], atol=0.06)
    assert line[1, 1] > line[2, 1] > line[0, 1] and ">functions</text>" in rank.plot.svg
    assert other.plot.heading == "red_psm: some thing"


def test_held_out_residual_is_beside_the_data_residual(moving: Make) -> None:
    run = moving()
    plots = {plot.heading: plot for plot in trace_plots(run)}
    assert list(plots) == [
        "Objective relative to its first value",
        "Relative change of the image",
        "Data residual",
        "Primal residual",
        "Norm of the dual variable",
    ]
    _, explanation, svg = plots["Data residual"]
    assert svg.count('class="s2 held-out"') == 1 and "kept from the method" in explanation
    held = svg.split("held-out", 1)[1]
    (line,) = lines(held)
    lowest = int(np.argmin(run.methods[1].trace["held_out_residual"]))
    ring = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)"', held)
    assert ring and [float(ring[1]), float(ring[2])] == pytest.approx(line[lowest].tolist())
    assert 0 < lowest < 29


def test_numbers_of_frames_are_written_with_their_labels(moving: Make) -> None:
    run = moving(items=2)
    document = json.loads(metrics_json(metrics_document(run)))
    assert document["frames"] == 12
    psnr = document["methods"]["red_psm"]["metrics"]["psnr"]
    assert len(psnr["per_item"]) == 2 and [len(frames) for frames in psnr["per_frame"]] == [12, 12]
    rows = list(csv.DictReader(io.StringIO(metrics_csv(document))))
    assert len(rows) == 2 * 3 * (1 + 2 + 24)
    wanted = ("red_psm", "psnr", "slice 1, frame 3 of 12")
    row = next(r for r in rows if (r["method"], r["metric"], r["item"]) == wanted)
    assert float(row["value"]) == psnr["per_frame"][1][2]


def test_parts_that_do_not_fit_are_refused(moving: Make, inputs: ReportInputs) -> None:
    run = moving()
    assert run.series is not None
    with pytest.raises(ValueError, match="shown_frames must be of a series"):
        dataclasses.replace(inputs, shown_frames=(0, 1, 2))
    with pytest.raises(ValueError, match="a frame for each of 4 pictures"):
        dataclasses.replace(run, shown_frames=(0,))
    with pytest.raises(ValueError, match="by 2 methods, got item 0 by 1"):
        dataclasses.replace(run, series=dataclasses.replace(run.series, methods=run.series.methods[:1]))
    with pytest.raises(ValueError, match="per_frame of psnr of framewise_fbp must number"):
        dataclasses.replace(run, series=dataclasses.replace(run.series, n_frames=13))
    with pytest.raises(ValueError, match="frames must be of the 3 of the series"):
        dataclasses.replace(run.series, n_frames=3)
    with pytest.raises(ValueError, match="film and moving must number"):
        dataclasses.replace(run.series, film=(0, 1))

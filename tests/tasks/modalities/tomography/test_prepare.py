"""Preparation of CT: counts to line integrals, the detector's faults, the views that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError

FLAT = {"kind": "flat_field"}
RNG = np.random.default_rng(3)
GAIN = RNG.uniform(0.7, 1.3, 48)  # of each column, so that a wrong one shows
DARK = RNG.uniform(90, 110, 48)


def counts(line_integrals: np.ndarray, beam: float = 20_000.0) -> np.ndarray:
    """Noiseless counts of two items behind these line integrals."""
    one = DARK + beam * GAIN * np.exp(-line_integrals)
    return np.stack([one, one]).astype(np.float32)


def fields(n: int = 3, beam: float = 20_000.0) -> dict[str, Any]:
    dark = np.broadcast_to(DARK, (2, n, 48)).astype(np.float32)
    return {"dark": dark.copy(), "flat": (dark + beam * GAIN).astype(np.float32)}


def test_flat_field_gives_the_line_integrals(prepared: Any, write_ct: Any, discs: Any) -> None:
    path = write_ct(samples=counts(discs()), quantity="counts", fields=fields())
    _, _, done = prepared("ct", path, FLAT)
    assert done.array("samples").dtype == np.float32
    np.testing.assert_allclose(done.array("samples")[1], discs(), atol=2e-5)
    assert done.document("scan")["quantity"] == "attenuation"


def test_dead_columns_are_filled_and_counted(prepared: Any, write_ct: Any, discs: Any) -> None:
    frames = fields()
    frames["flat"][:, :, 20] = frames["dark"][:, :, 20]
    _, _, done = prepared("ct", write_ct(samples=counts(discs()), quantity="counts", fields=frames), FLAT)
    neighbours = (discs()[:, 19] + discs()[:, 21]) / 2
    np.testing.assert_allclose(done.array("samples")[0, :, 20], neighbours, atol=5e-3)
    assert "dark and flat field corrected: 2 values mended" in done.document("scan")["notes"]


def test_minus_log_of_a_transmission(prepared: Any, write_ct: Any, discs: Any) -> None:
    light = np.exp(-discs())[None].repeat(2, 0).astype(np.float32)
    _, _, done = prepared("ct", write_ct(samples=light, quantity="transmission"), {"kind": "minus_log"})
    np.testing.assert_allclose(done.array("samples")[0], discs(), atol=1e-6)


def test_zingers_are_removed_and_counted(prepared: Any, write_ct: Any, discs: Any) -> None:
    clean = counts(discs())
    struck = clean.copy()
    for view, column in ((5, 12), (30, 24), (59, 47)):
        struck[0, view, column] *= 5
    path = write_ct(samples=struck, quantity="counts", fields=fields())
    _, _, left = prepared("ct", path, FLAT)
    _, _, done = prepared("ct", path, {"kind": "remove_zingers", "threshold": 0.5}, FLAT)
    assert np.abs(left.array("samples")[0] - discs()).max() > 1.5
    assert np.abs(done.array("samples")[0] - discs()).max() < 0.6  # the spread of the gains
    assert "zingers removed: 3 values mended" in done.document("scan")["notes"]


def test_rings_are_reduced(prepared: Any, write_ct: Any, discs: Any) -> None:
    stripes = np.zeros(48)
    stripes[[20, 27]] = 0.05
    samples = np.stack([discs(), discs() + stripes]).astype(np.float32)
    _, _, done = prepared("ct", write_ct(samples=samples), {"kind": "reduce_rings", "size": 9})
    clean, striped = done.array("samples")
    assert np.abs(clean - discs()).mean() < 0.003
    assert np.abs((striped - clean)[:, [20, 27]]).mean() < 0.01


@pytest.mark.parametrize(
    ("step", "kept_deg"),
    [
        ({"start_deg": 30, "arc_deg": 45}, np.arange(30, 76, 3)),  # the last angle belongs to the arc
        ({"start_deg": -6, "arc_deg": 12}, np.array([0, 3, 6])),
        ({"start_deg": 360, "arc_deg": 9, "every": 2}, np.array([0, 6])),
        ({"every": 7}, np.arange(0, 180, 21)),
    ],
)
def test_keep_angles_marks_the_views_and_keeps_all_samples(
    prepared: Any, write_ct: Any, step: dict[str, Any], kept_deg: np.ndarray
) -> None:
    _, scan, done = prepared("ct", write_ct(), {"kind": "keep_angles", **step})
    np.testing.assert_array_equal(np.flatnonzero(done.array("mask")) * 3, kept_deg)
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    document = done.document("scan")
    assert document["retrospective"]
    assert document["acceleration"] == pytest.approx(60 / len(kept_deg))


def test_image_is_as_wide_as_the_detector_sees(prepared: Any, write_ct: Any) -> None:
    for beam in ("parallel", "fan", "fan-curved"):
        _, _, done = prepared("ct", write_ct(beam))
        geometry = done.document("scan")["geometry"]
        assert geometry["matrix"] == [48, 48]
        assert geometry["field_of_view_mm"][1:] == pytest.approx([48 * 0.7] * 2)


def test_a_scan_without_column_size_is_in_columns_and_says_so(prepared: Any, write_ct: Any) -> None:
    _, _, done = prepared("ct", write_ct(column_size_mm=None))
    assert done.document("scan")["geometry"]["field_of_view_mm"][1:] == [48, 48]
    assert any("taken as 1 mm" in note for note in done.document("scan")["notes"])


@pytest.mark.parametrize(("pixel", "kept"), [(0.7, True), (0.35, False), (None, True)])
def test_a_reference_counts_only_on_the_image_s_pixels(
    prepared: Any, write_ct: Any, pixel: float | None, kept: bool
) -> None:
    images = {"reference": np.ones((2, 48, 48), np.float32), "image_pixel_mm": pixel}
    _, _, done = prepared("ct", write_ct(fields=images))
    assert ("reference" in done) == kept


@pytest.mark.parametrize(
    ("quantity", "steps", "sentence"),
    [
        ("counts", [], "prepare must end in attenuation, got counts; add the step flat_field"),
        ("attenuation", [FLAT], "prepare flat_field must be of counts, got attenuation"),
        ("counts", [FLAT, FLAT], "prepare flat_field must be of counts, got attenuation"),
        ("counts", [{"kind": "minus_log"}], "prepare minus_log must be of transmission, got counts"),
        ("counts", [{"kind": "reduce_rings"}], "prepare reduce_rings must come after flat_field, got counts"),
        ("attenuation", [{"kind": "remove_zingers"}], "remove_zingers must come before flat_field"),
        ("attenuation", [{"kind": "reduce_rings", "size": 99}], "prepare reduce_rings: window and"),
        ("attenuation", [{"kind": "keep_angles", "start_deg": 181, "arc_deg": 9}], "must keep a view, got"),
    ],
)
def test_steps_that_do_not_fit_are_refused(
    prepared: Any, write_ct: Any, discs: Any, quantity: str, steps: list[Any], sentence: str
) -> None:
    counted = {"samples": counts(discs()), "fields": fields()} if quantity == "counts" else {}
    with pytest.raises(RequestError, match=sentence):
        prepared("ct", write_ct(quantity=quantity, **counted), *steps)


def test_flat_field_needs_fields_that_are_lit(prepared: Any, write_ct: Any, discs: Any) -> None:
    with pytest.raises(RequestError, match="must have dark and flat fields in the scan, got none"):
        prepared("ct", write_ct(samples=counts(discs()), quantity="counts"), FLAT)

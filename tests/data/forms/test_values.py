"""NaN and Inf anywhere, and projections that are not what they are called, are refused in one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Measurement
from proxflow.data.sinogram import ScanGeometry

Outcome = Callable[..., Measurement | str]
Make = Callable[..., Path]
EDGE = np.clip(3 - np.abs(np.linspace(-5, 5, 40)), 0, None)
ATTENUATION = np.broadcast_to(EDGE, (12, 3, 40)).astype(np.float32)
COUNTS = 100 + 9900 * np.exp(-ATTENUATION)
SERIES = np.broadcast_to(EDGE, (2, 8, 3, 40)).astype(np.float32)
NOISE = np.random.default_rng(5).normal(size=(2, 3, 12, 10)) * (1 + 1j)
SAMPLES: dict[str, tuple[str, np.ndarray]] = {
    **dict.fromkeys(("proxflow-cartesian", "fastmri", "numpy-kspace", "bart", "ismrmrd"), ("kspace", NOISE)),
    "twix": ("kspace", NOISE.astype(np.complex64)),
    **dict.fromkeys(
        ("proxflow-radial", "numpy-radial", "ismrmrd-radial"), ("spokes", np.ones((2, 3, 7, 32)) * (1 + 1j))
    ),
    "proxflow-frames": ("frames", np.random.default_rng(6).normal(size=(2, 4, 3, 12, 10)) * (1 + 1j)),
    "proxflow-frame-spokes": ("frame_spokes", np.random.default_rng(7).normal(size=(2, 4, 3, 7, 32)) * 1j),
    **dict.fromkeys(("proxflow-ct", "htc2022", "tiff", "numpy-ct"), ("attenuation", ATTENUATION)),
    **dict.fromkeys(("dxchange", "nxtomo"), ("counts", COUNTS)),
    **dict.fromkeys(("proxflow-dynamic", "numpy-dynamic"), ("series", SERIES)),
    **dict.fromkeys(("proxflow-radar", "mimo", "numpy-radar", "csv", "merit"), ("cube", NOISE[:, 0, :2, :5])),
    "nifti": ("pictures", np.ones((2, 12, 10))),
    "gotcha": ("phases", NOISE[0, 0, :6, :4]),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(form: str, value: float, make: Make, outcome: Outcome) -> None:
    name, samples = SAMPLES[form]
    if name == "cube":
        samples = np.resize(samples, (4, 2, 5)) * np.linspace(1, 2, 40).reshape(4, 2, 5)
    samples = np.array(samples, np.complex64 if samples.dtype.kind == "c" else np.float32)
    samples.flat[samples.size // 2] = value
    sentence = outcome(make(form, **{name: samples}))
    assert re.search(r"must be finite, got 1 NaN or Inf (samples|values) in item \d", sentence)
    assert any(axis in sentence for axis in ("coil", "angle", "frequency", "frame", "row"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("form", "name", "field"),
    [
        ("proxflow-cartesian", "fov_mm", "field of view"),
        ("proxflow-radial", "trajectory", "trajectory"),
        ("proxflow-frames", "fov_mm", "field of view"),
        ("proxflow-frame-spokes", "frame_trajectory", "trajectory"),
        ("proxflow-ct", "angles", "geometry/angles"),
        ("proxflow-dynamic", "series_angles", "geometry/angles"),
        ("numpy-dynamic", "series_angles", "angles_deg"),
        ("proxflow-radar", "frequencies", "frequencies"),
        ("proxflow-radar", "receivers", "receiver positions"),
        ("dxchange", "angles", "exchange/theta"),
        ("dxchange", "pixel", "x_pixel_size"),
        ("nxtomo", "angles", "rotation_angle"),
        ("htc2022", "angles", "angles"),
        ("htc2022", "source_detector", "distanceSource"),
        ("gotcha", "frequencies", "frequencies"),
        ("mimo", "transmitters", "transmitter positions"),
        ("tiff", "angles", "angles_deg"),
        ("numpy-kspace", "fov_mm", "field_of_view_mm"),
        ("numpy-radial", "trajectory", "trajectory"),
        ("numpy-ct", "angles", "angles_deg"),
        ("numpy-ct", "source_detector", "source_"),
        ("numpy-radar", "frequencies", "frequencies"),
        ("csv", "transmitters", "transmitter positions"),
        ("merit", "frequencies", "frequencies"),
        ("merit", "transmitters", "transmitter positions"),
        ("ismrmrd", "fov_mm", "field of view"),
        ("ismrmrd-radial", "trajectory", "trajectory"),
        ("twix", "fov_mm", "dReadoutFOV"),
    ],
)
def test_geometry_that_is_not_finite(
    form: str, name: str, field: str, value: float, make: Make, outcome: Outcome, base: dict[str, Any]
) -> None:
    changed = np.array(base.get(name, 1e-5), float)
    changed.flat[-1] = value
    plain = changed.tolist() if changed.ndim == 0 or name == "fov_mm" else changed
    with np.errstate(invalid="ignore"):
        sentence = outcome(make(form, **{name: plain}))
    assert field in sentence


ATTENUATION_FORMS = ("proxflow-ct", "htc2022", "tiff", "numpy-ct")
CT = (*ATTENUATION_FORMS, "dxchange", "nxtomo")


@pytest.mark.parametrize("form", ATTENUATION_FORMS)
@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (
            COUNTS.astype(np.uint16),
            "attenuation must be line integrals .*; counts(, or|\\?)",
        ),
        (COUNTS.astype(np.float32), "attenuation must be line integrals .*, got the median .*; counts, or"),
        (np.exp(-ATTENUATION), "attenuation must be about 0 beside the object, got 1 in .*; transmission?"),
        (
            -ATTENUATION,
            "attenuation must be positive .*, got the mean -0.8.*; is the logarithm's sign missing?",
        ),
    ],
)
def test_what_is_called_attenuation(
    form: str, samples: np.ndarray, sentence: str, make: Make, outcome: Outcome
) -> None:
    found = outcome(make(form, attenuation=samples))
    assert re.search(sentence, found)


@pytest.mark.parametrize("form", ["proxflow-dynamic", "numpy-dynamic"])
@pytest.mark.parametrize(
    ("series", "sentence"),
    [
        (SERIES.astype(np.int16), "samples must be line integrals in real floats, got int16; counts?"),
        (SERIES * 1j, "samples must be line integrals in real floats, got complex"),
        (np.exp(-SERIES), "attenuation must be about 0 beside the object, got 1 in .*; transmission or"),
        (100 + 9900 * np.exp(-SERIES), "attenuation must be about 0 beside the object.*counts, whose"),
        (-SERIES, "attenuation must be positive .*; is the logarithm's sign missing?"),
        (SERIES * 0, "attenuation must hold signal, got only zeros in item 0"),
    ],
)
def test_what_is_called_a_series(
    form: str, series: np.ndarray, sentence: str, make: Make, outcome: Outcome
) -> None:
    assert re.search(sentence, outcome(make(form, series=series)))


@pytest.mark.parametrize("form", ["dxchange", "nxtomo"])
@pytest.mark.parametrize("samples", [ATTENUATION, np.exp(-ATTENUATION)])
def test_what_is_called_counts(form: str, samples: np.ndarray, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, counts=samples))
    assert "counts must be detector counts, got floats from" in sentence
    assert "which look like a transmission or an attenuation (item 0)" in sentence


@pytest.mark.parametrize(
    ("quantity", "samples", "sentence"),
    [
        ("counts", ATTENUATION, "counts must be detector counts, got floats from 0 to"),
        ("transmission", ATTENUATION, "transmission must be about 1 beside the object, .* attenuation?"),
        ("transmission", COUNTS.astype(np.uint16), "transmission must be ratios .* of 0 to 1, .* counts?"),
        ("transmission", COUNTS.astype(np.float32), "transmission must be ratios .* of 0 to 1, .* counts?"),
    ],
)
@pytest.mark.parametrize("form", ["proxflow-ct", "tiff", "numpy-ct"])
def test_another_quantity_declared(
    form: str, quantity: str, samples: np.ndarray, sentence: str, make: Make, outcome: Outcome
) -> None:
    path = make(form, attenuation=samples)
    if form == "proxflow-ct":
        with h5py.File(path, "r+") as file:
            file.attrs["quantity"] = quantity
    else:
        sidecar = path.with_suffix(".json")
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"quantity": quantity}))
    assert re.search(sentence, outcome(path))


@pytest.mark.parametrize("form", CT)
def test_descending_angles_are_noted_and_used_as_they_are(form: str, make: Make) -> None:
    angles = np.arange(12)[::-1] * 15.0
    with open_scan(make(form, angles=angles)) as scan:
        assert any(
            "Angles descend from 165 to 0 degrees and are used as they are" in n for n in scan.info.notes
        )
        geometry = scan.read().geometry
    assert isinstance(geometry, ScanGeometry)
    np.testing.assert_allclose(geometry.angles_rad, np.deg2rad(angles), atol=1e-12)


@pytest.mark.parametrize("form", CT)
def test_angles_that_do_not_differ(form: str, make: Make, outcome: Outcome) -> None:
    assert "must differ from view to view, got one angle in 12 views" in outcome(
        make(form, angles=np.full(12, 15.0))
    )
    with open_scan(make(form, angles=np.arange(12) // 4 * 15.0)) as scan:  # frames of a moving object
        assert any("9 of 12 views repeat an angle" in note for note in scan.info.notes)

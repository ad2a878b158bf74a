"""A number in another unit than the form says is refused, or noted where it could be meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.open_scan import open_scan
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.scan import Measurement

Outcome = Callable[..., Measurement | str]
Make = Callable[..., Path]
MANY = np.broadcast_to(np.clip(3 - np.abs(np.linspace(-5, 5, 40)), 0, None), (90, 3, 40)).astype(np.float32)
TURN = {
    "attenuation": MANY,
    "counts": (100 + 9900 * np.exp(-MANY)).astype(np.uint16),
    "angles": np.linspace(0, 2 * np.pi, 90, endpoint=False),
}
CT = ("proxflow-ct", "dxchange", "nxtomo", "htc2022", "tiff", "numpy-ct")
MRI = (
    "proxflow-cartesian",
    "proxflow-radial",
    "numpy-kspace",
    "numpy-radial",
    "ismrmrd",
    "ismrmrd-radial",
    "twix",
)
RADAR = ("proxflow-radar", "gotcha", "mimo", "numpy-radar", "csv", "merit")


@pytest.mark.parametrize(
    ("form", "unit"),
    [
        ("proxflow-ct", "stated rad"),
        ("dxchange", "rad"),
        ("nxtomo", "rad"),
        ("tiff", "rad"),
        ("numpy-ct", "rad"),
        ("proxflow-dynamic", "stated rad"),
        ("numpy-dynamic", "rad"),
    ],
)
def test_degrees_called_radians(form: str, unit: str, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, unit=unit))
    assert "angle" in sentence or "theta" in sentence
    assert (
        "must span at most one turn (6.2832) in radians, got 0 to 1" in sentence
        and "which looks like degrees" in sentence
    )


@pytest.mark.parametrize("form", ["dxchange", "nxtomo", "htc2022", "tiff", "numpy-ct"])
def test_radians_called_degrees(form: str, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, **TURN))
    assert "must be in degrees as stated, got 90 views over a span of 6.21" in sentence
    with open_scan(make(form, angles=np.arange(12) * 0.26)) as scan:  # so few could be a limited angle
        assert "Angles span only 2.86 degrees; are they radians?" in scan.info.notes


@pytest.mark.parametrize(
    "form",
    [
        "proxflow-cartesian",
        "proxflow-radial",
        "numpy-kspace",
        "numpy-radial",
        "ismrmrd",
        "ismrmrd-radial",
        "twix",
    ],
)
def test_field_of_view_in_metres(form: str, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, fov_mm=(0.005, 0.24, 0.2)))
    assert "must be in mm" in sentence and "looks like metres" in sentence


@pytest.mark.parametrize("form", ["dxchange", "nxtomo"])
@pytest.mark.parametrize("pixel", [10.0, 6.5, 1e-13])
def test_pixel_sizes_that_are_no_metres(form: str, pixel: float, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, pixel=pixel))
    assert isinstance(sentence, str) and "x_pixel_size must be" in sentence
    assert "unit" in sentence


def edited(path: Path, **fields: Any) -> Path:
    sidecar = path.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | fields))
    return path


@pytest.mark.parametrize(
    "lengths",
    [
        {"column_size_mm": 1e-3},
        {"column_size_mm": 1e3},
        {"source_origin_mm": 0.49, "source_detector_mm": 0.7},
        {"source_origin_mm": 4.9e5, "source_detector_mm": 7e5},
        {"source_origin_mm": 490, "source_detector_mm": 0.7},
    ],
)
def test_one_length_of_a_fan_in_metres_or_micrometres(
    lengths: dict[str, float], make: Make, outcome: Outcome
) -> None:
    sentence = outcome(edited(make("numpy-ct"), **lengths))
    assert isinstance(sentence, str)
    assert "unit" in sentence or "source_origin_mm must be less" in sentence


@pytest.mark.parametrize("form", RADAR)
@pytest.mark.parametrize(("scale", "unit"), [(1e-9, "GHz"), (1e-6, "MHz")])
def test_frequencies_in_gigahertz(form: str, scale: float, unit: str, make: Make, outcome: Outcome) -> None:
    sentence = outcome(make(form, frequencies=np.array([2e9, 3e9, 4e9, 5e9]) * scale))
    assert "frequencies must be in Hz" in sentence and f"look like {unit}" in sentence


@pytest.mark.parametrize("form", [form for form in RADAR if form != "gotcha"])
@pytest.mark.parametrize("scale", [1e3, 1e2])
def test_antennas_in_millimetres(form: str, scale: float, make: Make, outcome: Outcome) -> None:
    places = {"transmitters": np.array([[-0.3, 0, 0], [0.3, 0.1, 0]]), "receivers": np.eye(5, 3) * 0.3}
    assert not isinstance(outcome(make(form, **places)), str)
    sentence = outcome(make(form, **{name: place * scale for name, place in places.items()}))
    assert "must be in metres" in sentence


@pytest.mark.parametrize(
    ("form", "reach", "hint"),
    [
        ("proxflow-radial", 1.0, "looks like cycles/sample"),
        ("proxflow-radial", 2 * np.pi, "looks like rad/sample"),
        ("proxflow-radial", 64.0, "twice the field of view"),
        ("proxflow-radial", 32e3 / 240, "per metre"),
        (
            "numpy-radial",
            2 * np.pi,
            "must be in cycles/sample as declared, up to about 0.5, got up to 3.142, ",
        ),
        ("numpy-radial", 2 * np.pi, "which looks like rad/sample"),
        ("numpy-radial", 32.0, "which looks like cycles/fov"),
        ("numpy-radial", 32e3 / 240, "which looks like another unit"),
        ("ismrmrd-radial", 7.7, "fit none of"),
    ],
)
def test_trajectories_in_another_unit(
    form: str, reach: float, hint: str, make: Make, outcome: Outcome
) -> None:
    sentence = outcome(make(form, reach=reach))
    assert isinstance(sentence, str) and "trajectory must" in sentence
    assert hint in sentence


@pytest.mark.parametrize("reach", [1.0, 2 * np.pi, 32.0, 32e3 / 240])
def test_an_ismrmrd_trajectory_is_told_its_unit(reach: float, make: Make, outcome: Outcome) -> None:
    fov = (5.0, 240.0, 240.0)
    one, other = (outcome(make("ismrmrd-radial", reach=r, fov_mm=fov)) for r in (1.0, reach))
    np.testing.assert_allclose(one.trajectory, other.trajectory, rtol=1e-5)  # type: ignore[union-attr]


def test_cycles_per_field_of_view_or_per_metre(make: Make, outcome: Outcome) -> None:
    """A field of view of about a metre, as of a body with two-fold oversampled readouts."""
    large, larger = (
        outcome(make("ismrmrd-radial", reach=32.0, fov_mm=(5.0, fov, fov))) for fov in (800.0, 1000.0)
    )
    assert isinstance(large, RadialKSpace)
    assert "which fit several: cycles per encoded field of view, cycles/m" in larger


@pytest.mark.parametrize(
    ("unit", "reach", "hint"),
    [
        ("rad/sample", 1.0, "must be in rad/sample as declared, .*which looks like cycles/sample"),
        ("rad/sample", 32.0, "which looks like cycles/fov"),
        ("cycles/fov", 1.0, "which looks like cycles/sample"),
        ("cycles/fov", 2 * np.pi, "which looks like rad/sample"),
    ],
)
def test_declared_trajectory_units(unit: str, reach: float, hint: str, make: Make, outcome: Outcome) -> None:
    path = edited(make("numpy-radial", reach=reach), trajectory_units=unit)
    assert re.search(hint, outcome(path))
    right = {"rad/sample": 2 * np.pi, "cycles/fov": 32.0}[unit]
    assert not isinstance(outcome(edited(make("numpy-radial", reach=right), trajectory_units=unit)), str)

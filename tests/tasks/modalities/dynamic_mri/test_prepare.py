"""Preparing series: patterns of their own, spokes cut into frames, coils, smaller images."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError

KIND = "mri-dynamic"
UNDERSAMPLE = {"kind": "undersample_frames", "acceleration": 2.5, "acs": [8, 8], "seed": 3}


def test_every_frame_has_a_pattern_of_its_own(prepared: Any, write_grid: Any) -> None:
    _, scan, done = prepared(KIND, write_grid(), UNDERSAMPLE)
    mask, document = done.array("mask"), done.document("scan")
    assert mask.shape == (5, 32, 26) and done.array("measured").all()
    assert mask[:, 12:20, 9:17].all()
    for one, other in pairwise(mask):
        assert (one != other).any()
    assert document["acceleration"] == pytest.approx(2.5, rel=0.01)
    assert document["retrospective"] and document["acs"] == [8, 8] and document["planes"] == 5
    assert document["frames"] == ["0 s", "1 s", "2 s", "3 s", "4 s"]
    assert document["geometry"]["slices"] == [3] * 5
    assert any("seeds 3 to 7" in note for note in document["notes"])
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    assert 0.9 < document["noise_std"][0] / (1e-3 * 2**0.5) < 2  # the object's edge reaches the corners


def test_lines_are_dropped_frame_by_frame(prepared: Any, write_grid: Any) -> None:
    _, _, done = prepared(KIND, write_grid(), UNDERSAMPLE | {"pattern": "random_lines"})
    mask = done.array("mask")
    assert (mask == mask[:, :, :1]).all() and (mask.sum((1, 2)) == 13 * 26).all()
    assert len({frame.tobytes() for frame in mask}) == 5


def test_what_was_not_measured_is_not_kept(prepared: Any, write_grid: Any, grid_samples: Any) -> None:
    mask = np.ones((5, 32, 26), bool)
    mask[2, 0] = False
    samples = (grid_samples * mask[:, None])[None].astype(np.complex64)
    with pytest.raises(RequestError, match="undersample_frames must keep measured samples only"):
        prepared(KIND, write_grid(mask=mask, samples=samples), UNDERSAMPLE | {"acceleration": 1.3})


def test_spokes_are_cut_in_the_order_measured(
    prepared: Any, write_spokes: Any, spoke_samples: Any, trajectory: Any
) -> None:
    _, _, done = prepared(KIND, write_spokes(), {"kind": "bin_spokes", "spokes_per_frame": 3})
    document = done.document("scan")
    assert done.shape("samples") == (2, 13, 3, 3, 53) and document["planes"] == 13
    spokes = np.moveaxis(spoke_samples, 1, 0).reshape(3, 40, 53)[:, :39]
    expected = np.moveaxis(spokes.reshape(3, 13, 3, 53), 1, 0)
    np.testing.assert_allclose(done.array("samples")[1], 2 * expected, rtol=1e-6)
    np.testing.assert_array_equal(
        done.array("trajectory"), trajectory.reshape(40, 53, 2)[:39].reshape(13, 3, 53, 2)
    )
    assert done.array("mask").shape == (13, 3) and done.array("mask").all()
    assert "40 spokes cut into 13 frames of 3, the last 1 left out" in document["notes"]
    assert document["frames"][1] == "spokes 3 to 5" and document["geometry"]["slices"] == [0] * 13 + [1] * 13
    assert document["acceleration"] == pytest.approx(np.pi / 2 * 32 / 3)


def test_a_radial_scan_is_cut_into_frames(prepared: Any, radial_scan: Any) -> None:
    _, _, done = prepared(KIND, radial_scan(), {"kind": "bin_spokes", "spokes_per_frame": 10})
    assert done.shape("samples") == (1, 4, 4, 10, 64) and done.document("scan")["modality"] == KIND


def test_spokes_are_kept_in_every_frame(prepared: Any, write_spokes: Any) -> None:
    step = {"kind": "keep_spokes", "n_spokes": 3, "which": "first"}
    _, _, done = prepared(KIND, write_spokes(), step)
    mask = done.array("mask")
    assert mask[:, :3].all() and not mask[:, 3:].any() and done.document("scan")["retrospective"]


def test_coils_are_compressed_and_their_maps_with_them(prepared: Any, write_spokes: Any, moving: Any) -> None:
    maps = moving.coil_maps[None].astype(np.complex64)
    _, _, done = prepared(KIND, write_spokes(coil_maps=maps), {"kind": "compress_coils", "n_coils": 2})
    assert done.shape("samples") == (2, 5, 2, 8, 53) and done.shape("coil_maps") == (2, 2, 32, 26)
    _, _, same = prepared(KIND, write_spokes(coil_maps=maps), {"kind": "compress_coils", "n_coils": 3})
    power = (np.abs(same.array("coil_maps")) ** 2).sum(1)
    np.testing.assert_allclose(power, (np.abs(maps) ** 2).sum(1).repeat(2, 0), rtol=1e-5)


def test_a_smaller_image_has_less_of_k_space(prepared: Any, write_spokes: Any) -> None:
    _, _, done = prepared(KIND, write_spokes(), image={"matrix": [16, 16]})
    assert done.document("scan")["geometry"]["matrix"] == [16, 16]
    assert np.abs(done.array("trajectory")).max() <= 8
    assert done.shape("samples")[-1] == done.shape("trajectory")[-2] == 33


@pytest.mark.parametrize(
    ("maker", "steps", "image", "sentence"),
    [
        (
            "write_grid",
            [{"kind": "bin_spokes", "spokes_per_frame": 3}],
            None,
            "must have a scan along spokes",
        ),
        ("write_grid", [{"kind": "keep_spokes", "n_spokes": 3}], None, "must have a scan along spokes"),
        ("write_spokes", [UNDERSAMPLE], None, "must have a scan on a grid, got one along spokes"),
        ("write_spokes", [{"kind": "bin_spokes", "spokes_per_frame": 41}], None, "must be at most 40"),
        (
            "write_spokes",
            [{"kind": "keep_spokes", "n_spokes": 9}],
            None,
            "must be at most 8, the spokes",
        ),
        (
            "write_spokes",
            [{"kind": "compress_coils", "n_coils": 4}],
            None,
            "n_coils must be at most 3",
        ),
        ("write_grid", [{"kind": "whiten"}], None, "whiten must have a noise measurement"),
        ("write_grid", [], {"matrix": [16, 16]}, "image must be left out: a scan on a grid"),
        ("write_grid", [UNDERSAMPLE | {"acs": [40, 8]}], None, "acs must fit in 32 x 26"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    prepared: Any, request: Any, maker: str, steps: list[Any], image: Any, sentence: str
) -> None:
    path = request.getfixturevalue(maker)()
    with pytest.raises(RequestError, match=sentence) as caught:
        prepared(KIND, path, *steps, image=image)
    assert "\n" not in str(caught.value)

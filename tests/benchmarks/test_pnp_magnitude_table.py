import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.kept_figures import KeptFigures
from benchmarks.magnitude_contenders import Networks, solved
from benchmarks.magnitude_figures import magnitude_figures, normalised, psnr, target_mask
from benchmarks.magnitude_pictures import sheet
from benchmarks.magnitude_scenes import CELLS, Cell, posed
from benchmarks.pnp_magnitude_table import ESTIMATED, FIRST, missing_batches, tables
from benchmarks.pnp_magnitude_tuning import chosen, search

DOC = Path(__file__).parents[2] / "docs" / "methods" / "pnp-magnitude.md"
DIRECT = ("zero_filled", "back_projection", "kirchhoff")


def test_order_of_methods_on_scenes_of_the_table() -> None:
    """Mean PSNR of its first two scenes, 10 frequencies and 30 dB: direct sums < l1 < plug-and-play, the
    last after a few iterations. Of direct sums alone two scenes tell no order."""
    problem = posed(Cell(10, 30), FIRST, 2)
    numbers: dict[str, dict[str, Any]] = {name: {} for name in DIRECT}
    numbers["l1"] = {"alpha": 0.1, "kappa": 0.013, "n_iter": 10}
    numbers["pnp_magnitude"] = {"sigma": 0.6, "kappa": 0.013, "n_iter": 5, "update": "cg"}
    found = {}
    for method, own in numbers.items():
        magnitudes = normalised(solved(method, problem, own, Networks()).images).numpy()
        each = [psnr(*pair) for pair in zip(magnitudes, problem.truth.numpy(), strict=True)]
        found[method] = sum(each) / 2
    assert max(found[name] for name in DIRECT) + 1 < found["l1"]
    assert found["l1"] + 1 < found["pnp_magnitude"]


def test_documented_table_keeps_the_order_that_is_claimed() -> None:
    lines = DOC.read_text().splitlines()
    start = lines.index("| PSNR, dB | " + " | ".join(f"F = {f}, {snr} dB" for f, snr in CELLS) + " |")
    rows = {}
    for line in lines[start + 2 :]:
        if not line:
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name] = np.array([float(cell.split(" ± ")[0]) for cell in cells])
    zero_filled, back_projection, kirchhoff = (rows[name] for name in DIRECT)
    assert (kirchhoff > np.maximum(zero_filled, back_projection)).all()
    assert (rows["l1"] > kirchhoff).all()
    assert (rows["pnp_magnitude"] > np.maximum(rows["l1"], rows["tv_magnitude"])).all()
    assert (rows["pnp_magnitude"] > rows["empty image"]).all()
    assert (back_projection > zero_filled)[6:].all() and (back_projection < zero_filled)[:6].all()
    assert rows["pnp_magnitude"][-1] > rows["empty image"][-1] + 4


def test_target_reaches_two_voxels_beyond_what_is_there() -> None:
    truth = np.zeros((9, 8, 7))
    truth[4, 3, 2] = 1
    truth[0, 7, 6] = 0.04  # below 5 % of the peak: none of the target
    mask = target_mask(truth)
    expected = np.zeros_like(mask)
    expected[2:7, 1:6, 0:5] = True
    np.testing.assert_array_equal(mask, expected)


def test_figures_of_an_error_outside_and_inside_the_target() -> None:
    truth = np.zeros((12, 12, 12), dtype=np.float32)
    truth[5, 5, 5] = 1
    outside, inside = truth.copy(), truth.copy()
    outside[0, 0, 0] = 0.1
    inside[5, 5, 6] = 0.1
    assert magnitude_figures(outside, truth)["target"] == psnr(truth, truth) == pytest.approx(300)
    found = magnitude_figures(inside, truth)
    assert found["target"] == pytest.approx(10 * np.log10(125 / 0.01), abs=1e-4)
    assert found["psnr"] == pytest.approx(10 * np.log10(12**3 / 0.01), abs=1e-4)
    assert found["empty"] == pytest.approx(10 * np.log10(12**3))
    assert found["target_empty"] == pytest.approx(10 * np.log10(125))
    assert found["ssim"] < 1 == pytest.approx(magnitude_figures(truth, truth)["ssim"])


def test_scene_is_the_same_whatever_is_measured_beside_it() -> None:
    cell = Cell.parse("2:20")
    both, second = posed(cell, 100, 2), posed(cell, 101, 1)
    np.testing.assert_array_equal(both.y[1], second.y[0])
    noise = both.epsilon * both.y.flatten(1).norm(dim=1)
    clean = (both.y.flatten(1).norm(dim=1) ** 2 / (1 + 10**-2)).sqrt()  # in the mean over noise
    np.testing.assert_allclose(noise / clean, 0.1, rtol=0.02)


def test_table_goes_on_with_the_batches_that_are_missing(tmp_path: Path) -> None:
    kept = KeptFigures(tmp_path / "kept.json")
    kept.content["20:30"] = {"l1": {"scenes": {"100": {"psnr": 1.0}, "101": {"psnr": 2.0}}}}
    kept.save()
    again = KeptFigures(tmp_path / "kept.json").content["20:30"]["l1"]["scenes"]
    assert missing_batches(again, 5, 2) == [(FIRST + 2, 2), (FIRST + 4, 1)]
    assert missing_batches(again, 2, 2) == []
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_tables_hold_means_and_what_estimating_costs() -> None:
    scene = {"empty": 20.0, "target": 12.0, "target_empty": 8.0, "ssim": 0.9, "seconds": 3.0}
    scenes = {str(FIRST + i): {**scene, "psnr": 24.0 + 2 * i} for i in range(3)}
    estimated = {str(FIRST): {**scene, "psnr": 23.5}}
    content = {"20:30": {"pnp_magnitude": {"scenes": scenes}, ESTIMATED: {"scenes": estimated}}}
    found = tables(content, [Cell(20, 30), Cell(5, 10)], 2)  # the third scene was not asked for
    assert "| pnp_magnitude | 25.00 ± 1.00 |" in found[0]
    assert "| empty image | 20.00 ± 0.00 |" in found[0]
    assert "| empty image | 8.00 ± 0.00 |" in found[1]
    assert found[-1] == "20:30: epsilon estimated, -0.50 dB on the same 1 scenes"


def test_search_moves_one_number_at_a_time() -> None:
    tried = []

    def score(numbers: dict[str, float]) -> float:
        tried.append(numbers)
        return -abs(numbers["a"] - 2) - abs(numbers["b"] - 5)

    grid = (("a", (1.0, 2.0)), ("b", (3.0, 5.0)))
    assert search({"a": 9.0, "b": 9.0}, grid, score) == {"a": 2.0, "b": 5.0}
    assert all((one["a"], one["b"]) in {(1, 9), (2, 9), (2, 3), (2, 5), (1, 5)} for one in tried)


def test_search_looks_beside_what_it_found() -> None:
    """One after the other it stops at a = 0: a pays only where b is large."""
    grid = (("a", (0.0, 1.0, 2.0)), ("b", (0.0, 1.0)))
    found = search({"a": 0.0, "b": 0.0}, grid, lambda now: now["a"] * (now["b"] - 0.5) + now["b"])
    assert found == {"a": 2.0, "b": 1.0}


def test_numbers_of_other_weights_are_not_taken() -> None:
    trials = [{"numbers": {"sigma": s}, "weights": w, "psnr": p} for s, w, p in ((1, "a", 9), (2, "b", 8))]
    content = json.loads(json.dumps({"20:20": {"pnp_magnitude": trials}}))
    assert chosen(content, Cell(20, 30), "pnp_magnitude", "b") == {"sigma": 2}
    assert chosen(content, Cell(20, 30), "kirchhoff", "") == {}
    with pytest.raises(SystemExit, match="must hold trials of pnp_magnitude for 20:20"):
        chosen(content, Cell(20, 30), "pnp_magnitude", "c")


def test_pictures_have_a_column_for_each_volume() -> None:
    volume = np.zeros((49, 25, 25), dtype=np.float32)
    volume[10, 2:5, 19:22] = 1
    picture = np.asarray(sheet({"truth": volume, "empty": 0 * volume}))
    left, right = np.split(picture[18:], [picture.shape[1] // 2 + 2], axis=1)
    assert left.max() == 255
    assert right.max() < 30

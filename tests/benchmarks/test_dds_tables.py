"""Tables of decomposed diffusion sampling: sampling, scans, figures, numbers, what is kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import dds_runs
from benchmarks.dds_contenders import Contender, Posed, contenders, solved
from benchmarks.dds_ct_scans import Fine, Slices, measured, simulated
from benchmarks.dds_ct_table import full_turn_views, half_turn_angles
from benchmarks.dds_figures import figures, psnr_minmax
from benchmarks.dds_mri_table import PATTERNS
from benchmarks.dds_pictures import sheet
from benchmarks.dds_runs import Case, Section, carried_out, table
from benchmarks.dds_tuning import chosen, search
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.samples.catalogue import locate
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.parallel_beam import ParallelBeam


@pytest.mark.parametrize(("name", "expected"), [("lines x4", 4), ("lines x8", 8), ("Poisson x8", 8)])
def test_patterns_thin_out_as_they_say_and_sample_their_centre(name: str, expected: int) -> None:
    shape, pattern = (224, 192), PATTERNS[name]
    mask = pattern.mask(shape, 3)
    assert acceleration(mask) == pytest.approx(expected, rel=1e-9)
    assert (mask != pattern.mask(shape, 4)).any()
    height, width = pattern.centre(shape)
    rows = slice(112 - height // 2, 112 - height // 2 + height)
    columns = slice(96 - width // 2, 96 - width // 2 + width)
    assert mask[rows, columns].all()
    assert (height, width) == {"lines x4": (17, 192), "lines x8": (8, 192), "Poisson x8": (24, 24)}[name]
    assert (mask == mask[:, :1]).all() == name.startswith("lines")


def test_views_are_even_and_the_arc_is_of_ninety_degrees() -> None:
    parallel, fan = half_turn_angles(), full_turn_views()
    np.testing.assert_allclose(np.rad2deg(parallel["8 views"]), 22.5 * np.arange(8))
    np.testing.assert_array_equal(fan["16 views"], 45 * np.arange(16))
    np.testing.assert_allclose(np.rad2deg(parallel["90 degrees"]), np.arange(90))
    np.testing.assert_array_equal(0.5 * fan["90 degrees"], np.arange(90))
    assert [len(views) for views in fan.values()] == [8, 16, 32, 90]


def test_simulated_scan_is_that_of_the_fine_image_with_noise_of_the_stated_level(
    rng: torch.Generator,
) -> None:
    """Blocks of constant attenuation, where both grids agree, so that only noise and edges are between."""
    angles = np.deg2rad([0.0, 90.0, 180.0, 270.0] * 5)
    blocks = 0.02 * (torch.rand(1, 8, 8, generator=rng) > 0.5)
    fine = Fine(blocks.repeat_interleave(16, 1).repeat_interleave(16, 2).numpy(), 0.5, (1, 4))
    posed = simulated(fine, angles, seed=1)
    assert posed.reference.shape == (1, 32, 32)
    assert isinstance(posed.operator, ParallelBeam) and posed.operator.pixel_size_mm == 2.0
    error = posed.operator.forward(torch.from_numpy(posed.reference[0])) - posed.y
    assert posed.noise_std == pytest.approx(float(error.square().mean().sqrt()), rel=0.1)
    assert 1e-3 < posed.noise_std < 3e-3
    again = simulated(fine, angles, seed=1)
    assert torch.equal(again.y, posed.y)
    assert not torch.equal(simulated(fine, angles, seed=2).y, posed.y)


def test_simulated_volume_has_thick_slices_each_projected_alone(rng: torch.Generator) -> None:
    thin = 0.02 * torch.rand(3, 16, 16, generator=rng).repeat_interleave(2, 0)
    posed = simulated(Fine(thin.numpy(), 1.0, (2, 2)), np.deg2rad([0.0, 40.0]), seed=0)
    np.testing.assert_allclose(posed.reference[1], thin[2].reshape(8, 2, 8, 2).mean((1, 3)), rtol=1e-5)
    assert isinstance(posed.operator, Slices) and posed.direct is not None
    assert posed.y.shape == posed.operator.range_shape == (3, 2, posed.direct.range_shape[1])
    alone = simulated(Fine(thin[2:4].numpy(), 1.0, (2, 2)), np.deg2rad([0.0, 40.0]), seed=0)
    torch.testing.assert_close(posed.y[1], alone.y, atol=8e-3, rtol=0)  # but for the noise
    assert_adjoint(posed.operator, rng, dtype=torch.float64)


def test_measured_disc_explains_its_views_and_is_judged_where_all_see_it() -> None:
    posed = measured(locate("sample://htc2022-ta"), full_turn_views()["16 views"], 32, item=3)
    image = torch.from_numpy(posed.reference[0])
    seen = posed.operator.forward(image)
    assert posed.y.shape == (16, 560)
    assert float((seen - posed.y).norm() / posed.y.norm()) < 0.06  # pixels of 2.4 mm
    assert posed.region is not None and posed.region.mean() == pytest.approx(np.pi / 4, rel=0.02)
    assert float(image[posed.region].median()) == pytest.approx(0.029, rel=0.1)  # acrylic, 1/mm
    assert posed.noise_std is not None and 1e-3 < posed.noise_std < 0.03


def test_figures_see_brightness_and_phase_and_psnr_minmax_does_not(rng: torch.Generator) -> None:
    reference = torch.rand(1, 16, 16, generator=rng).numpy() * (1 + 0j)
    reference[0, 0, 0] = 0
    found = figures(1.2j * reference, reference)
    assert found["nrmse"] == pytest.approx(abs(1.2j - 1), rel=1e-6)
    mean_square = float(np.mean(np.square(0.2 * np.abs(reference))))
    assert found["psnr"] == pytest.approx(10 * np.log10(np.abs(reference).max() ** 2 / mean_square), abs=1e-3)
    assert found["psnr_minmax"] > 100
    real = reference.real
    assert figures(0.9 * real, real)["nrmse"] == pytest.approx(0.1, rel=1e-6)
    shifted = real.copy()
    shifted[0, 4, 4] = 2 * real.max()  # a bright pixel halves all others once mapped to 0 to 1
    assert psnr_minmax(shifted, real) < figures(shifted, real)["psnr"]


def test_numbers_are_chosen_one_after_the_other_and_for_their_weights() -> None:
    tried = []

    def score(numbers: dict[str, float]) -> float:
        tried.append(numbers)
        return numbers.get("gamma", 3) - abs(numbers["n"] - 2)

    grid = [[{"how": 1}, {"how": 2, "gamma": 9}], [{"n": 1}, {"n": 2}]]
    assert search(grid, score) == {"how": 2, "gamma": 9, "n": 2}
    assert tried[0] == {"how": 1, "n": 1}  # an option's numbers go with it
    row = Contender("dds, a", "dds", {}, "dds", "a")
    trials = [{"numbers": {"n": n}, "weights": w, "psnr": p} for n, w, p in ((1, "a", 9), (2, "b", 20))]
    assert chosen({"s": {"dds": trials}}, "s", row, {"dds": grid}) == {"n": 1}
    assert chosen({}, "s", row._replace(tuned="zero_filled"), {"dds": grid}) == {}
    with pytest.raises(SystemExit, match="must hold trials of dds with 'c' for s; run --tune"):
        chosen({"s": {"dds": trials}}, "s", row._replace(weights="c"), {"dds": grid})


def test_rows_of_the_sampler_are_one_for_each_prior_and_share_numbers() -> None:
    rows = contenders(["tv", "dds-20", "dds-axial-50"], ["tv", "fourier-wiener"])
    assert [row.label for row in rows][:2] == ["tv", "dds, 20 steps, tv"]
    assert [row.tuned for row in rows] == ["tv", "dds", "dds", "dds-axial", "dds-axial"]
    assert rows[-1].fixed == {"n_iter": 50, "prior": "fourier-wiener", "samples": 1}
    several = contenders(["dds-20x8"], ["tv"])[0]
    assert several.label == "dds, 20 steps, 8 samples, tv" and several.tuned == "dds"
    assert several.fixed == {"n_iter": 20, "prior": "tv", "samples": 8}
    for name in ("unknown", "tv-20"):
        with pytest.raises(SystemExit, match=f"methods must be of .* got {name}"):
            contenders([name], ["tv"])
    with pytest.raises(SystemExit, match=r"prior must be tv, .* or an existing file, got a.pt"):
        contenders(["dds-20"], ["a.pt"])


def test_rows_beside_the_sampler_are_one_for_each_prior_that_they_know() -> None:
    rows = contenders(["score_mri", "dps", "tv"], ["fourier-wiener", "diffusion-mri"])
    assert [row.label for row in rows] == [
        "score_mri, fourier-wiener",
        "score_mri, diffusion-mri",
        "dps, fourier-wiener",
        "dps, diffusion-mri",
        "tv",
    ]
    assert rows[1].fixed == {"prior": "diffusion-mri"} and rows[1].tuned == rows[0].tuned == "score_mri"
    (red, pnp) = contenders(["red", "pnp_admm"], ["diffusion-mri"])
    assert red.fixed == pnp.fixed == {"denoiser": "diffusion-mri"} and red.weights == rows[1].weights
    with pytest.raises(SystemExit, match="prior must be one that red knows, got fourier-wiener"):
        contenders(["red"], ["fourier-wiener"])


@pytest.fixture
def posed(rng: torch.Generator) -> Posed:
    """All of k-space of one coil, without noise, in a unit far from 1."""
    image = 7e-3 * torch.randn(16, 12, dtype=torch.complex64, generator=rng)
    operator = CartesianSense(torch.ones(16, 12, dtype=torch.bool), torch.ones(1, 16, 12) + 0j)
    return Posed(operator, operator.forward(image), 1.0, image.numpy()[None])


@pytest.mark.parametrize("name", ["zero_filled", "cg_sense", "dds-4"])
def test_methods_are_called_in_their_scale_and_give_the_unit_back(name: str, posed: Posed) -> None:
    (row,) = contenders([name], ["fourier-wiener"])
    numbers = {"zero_filled": {}, "cg_sense": {"lam": 0.0}, "dds-4": {"consistency": "hard"}}[name]
    found = solved(row, numbers, posed, "cpu")
    np.testing.assert_allclose(found.image, posed.reference, atol=2e-5)
    assert found.seconds > 0


def test_what_is_done_is_kept_and_what_was_made_with_other_numbers_is_made_anew(
    posed: Posed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def counted(row: Contender, *rest: object) -> object:
        calls.append(row.label)
        return solved(row, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(dds_runs, "solved", counted)
    pose: Callable[[], Posed] = lambda: posed  # noqa: E731
    cases = [Case(item, "all", pose) for item in ("a", "b")]
    grids = {"cg_sense": [[{"lam": 0.1}]]}
    section = Section("part", "part", ["zero_filled", "cg_sense"], grids, cases, cases[:1])
    asked = argparse.Namespace(
        methods=None, prior=["tv"], device="cpu", threads=torch.get_num_threads(), tune=True, pictures=None,
        numbers=tmp_path / "numbers.json", out=tmp_path / "out.json",
    )  # fmt: skip
    carried_out([section], asked)
    asked.tune, asked.pictures = False, tmp_path / "pictures"
    carried_out([section], asked)
    assert calls == ["zero_filled", "cg_sense"] * 2
    printed = capsys.readouterr().out
    assert "| all | cg_sense | " in printed
    assert sorted(path.name for path in asked.pictures.iterdir()) == ["part-a-all.png", "part-b-all.png"]
    carried_out([section], asked)
    assert capsys.readouterr().out == printed and len(calls) == 4
    asked.numbers.write_text(asked.numbers.read_text().replace("0.1", "0.2"))
    carried_out([section], asked)
    assert calls[4:] == ["cg_sense"] * 2


def test_table_holds_means_over_objects() -> None:
    one = {"psnr": 20.0, "ssim": 0.5, "nrmse": 0.1, "psnr_minmax": 21.0, "seconds": 2.0}
    found = {"x4": {"a": {"tv": one}, "b": {"tv": {**one, "psnr": 23.0}}}}
    cases = [Case(item, "x4", lambda: None) for item in ("a", "b")]  # type: ignore[arg-type,return-value]
    section = Section("part", "part", ["tv"], {}, cases, [])
    lines = table(found, section, contenders(["tv"], [])).splitlines()
    assert lines[0].startswith("| sampling | method | PSNR, dB | SSIM | NRMSE |")
    assert lines[2] == "| x4 | tv | 21.50 | 0.5000 | 0.1000 | 21.00 | 2.0 |"


def test_pictures_show_errors_around_grey_and_volumes_across_their_slices() -> None:
    reference = np.zeros((1, 64, 64), dtype=np.float32)
    reference[0, 10:50, 10:50] = 1
    picture = np.asarray(sheet(reference, {"same": reference, "dim, a": 0.95 * reference}))
    tile, left = 256, [4 + 260 * i for i in range(3)]
    top, low = picture[32 : 32 + tile], picture[36 + tile : 36 + 2 * tile]
    assert top[100, left[1] + 100] == 255
    assert (low[:, left[1] : left[1] + tile] == 128).all()
    assert low[100, left[2] + 100] == pytest.approx(128 - 5 * 0.05 * 255 / 2, abs=1)
    volume = np.asarray(sheet(np.repeat(reference, 6, 0), {"same": np.repeat(reference, 6, 0)}))
    assert volume.shape[0] == 32 + 2 * (256 + 4) + 2 * (6 * 4 + 4)

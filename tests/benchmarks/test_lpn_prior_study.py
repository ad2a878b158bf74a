"""What a learned prior says of perturbed slices: which, its values, table and picture; panels of curves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks import lpn_laplacian, lpn_prior_study
from benchmarks.curve_panels import Curve, Panel, panel_parts, range_of
from benchmarks.lpn_prior_picture import Found, study_drawing
from benchmarks.lpn_prior_study import chords, table, values_of
from benchmarks.prior_study_images import BLUR, BRAINS, COMBINATION, FOLDER, NOISE, PEOPLE, perturbed, slices
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import prior_of
from proxflow.tasks.lpn_networks import open_lpn
from proxflow.tasks.report.drawing import Dot, Line, Picture, Text


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    """DATA with two slices of every person that is kept apart, 128 x 128, each of other density."""
    rng = np.random.default_rng(0)
    for file in {file for _, file, _ in PEOPLE}:
        people = [name for name, where, _ in PEOPLE if where == file for _ in range(6)]
        hu = np.full((len(people), 128, 128), -1000, np.int16)
        hu[:, 30:100, 40:90] = rng.integers(-200, 200, (len(people), 70, 50))
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(tmp_path / file, "w") as held:
            held["patient"], held["hu"], held["pixel_mm"] = people, hu, 0.7
    return tmp_path


@pytest.fixture
def whole(rng: torch.Generator) -> Tensor:
    images = torch.zeros(3, 128, 128, dtype=torch.float64)
    images[:, 50:90, 40:70] = 0.5 + 0.5 * torch.rand(3, 40, 30, generator=rng, dtype=torch.float64)
    return images


def test_slices_are_of_those_kept_apart_in_the_unit_of_trainings(bodies: Path) -> None:
    found = slices(bodies, "ct", 3)
    assert found.shape == (3, 128, 128) and found.dtype == torch.float64
    assert not torch.equal(found[0], found[2])
    for image in found:
        assert float(image.max()) == 1.0 and 0.004 < float((image == 1).double().mean()) < 0.006
    for name, _ in BRAINS:
        volume = np.zeros((140, 130, 10), np.float32)
        volume[40:100, 30:90] = np.arange(1, 11)
        volume[60:, 60:90] *= 2
        (bodies / FOLDER).mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), bodies / FOLDER / f"{name}.nii.gz")
    brains = slices(bodies, "mri", 2)
    assert brains.shape == (2, 128, 128) and float(brains.max()) == 1.0


def test_noise_is_clipped_blur_sees_what_is_beyond_the_crop_and_mixtures_are_of_the_next(
    whole: Tensor,
) -> None:
    images = perturbed(whole, 1, 16, (0.0, 1.0))
    clean = whole[:, None, 56:72, 56:72]
    for levels in images.values():
        assert torch.equal(levels[0.0], clean)
    noisy = images[NOISE][0.1]
    assert float(noisy.min()) >= 0 and float(noisy.max()) == 1
    inner = (noisy > 0) & (noisy < 1)
    assert 0.05 < float((noisy - clean)[inner].std()) < 0.11
    assert float(images[NOISE][0.3].sub(clean).norm()) > float(noisy.sub(clean).norm())
    point = torch.zeros_like(whole)
    point[:, 64, 64] = 1
    spread = (
        perturbed(point, 1, 32, (0.0, 1.0))[BLUR][2.0][0, 0].sum(0) @ (torch.arange(32).double() - 16) ** 2
    )
    assert float(spread) == pytest.approx(2.0**2, rel=0.01)
    flat = perturbed(torch.full_like(whole, 0.6), 1, 16, (0.0, 1.0))[BLUR][4.0]
    torch.testing.assert_close(flat, torch.full_like(flat, 0.6))
    mixed = images[COMBINATION][0.25]
    torch.testing.assert_close(mixed[0], 0.75 * clean[0] + 0.25 * clean[1])
    torch.testing.assert_close(images[COMBINATION][1.0][2], clean[0])


def test_two_channels_have_one_smooth_phase_and_their_magnitude(whole: Tensor) -> None:
    images = perturbed(whole, 2, 16, (-1.0, 1.0))
    clean = images[BLUR][0.0]
    assert clean.shape == (3, 2, 16, 16)
    torch.testing.assert_close(torch.linalg.vector_norm(clean, dim=1), whole[:, 56:72, 56:72])
    phase = torch.atan2(clean[:, 1], clean[:, 0])
    torch.testing.assert_close(phase[0], phase[1])
    assert float(phase.abs().max()) > 0.01 and float(phase[0].diff(dim=0).abs().max()) < 0.2


@pytest.mark.parametrize("channels", [1, 2])
def test_values_are_those_of_prior_of_above_the_least(
    channels: int, lpn_file: Callable[..., Path], whole: Tensor
) -> None:
    network = open_lpn(str(lpn_file(channels))).network
    images = perturbed(whole, channels, 16, (-1.0, 1.0))
    double = NetworkProx(open_lpn(str(lpn_file(channels))).network.double())
    values = values_of(NetworkProx(network), double, images, (-1.0, 1.0))
    own = [one.value for levels in values.values() for one in levels.values()]
    assert float(torch.cat(own).min()) == 0
    for kind, level in ((NOISE, 0.2), (BLUR, 1.0), (COMBINATION, 1.0)):
        found = values[kind][level]
        assert float(found.residual.max()) < 3e-4
        apart = prior_of(double, images[kind][level], tol=1e-9, within=(-1.0, 1.0)).value
        difference = (apart - found.value) - (apart - found.value).mean()
        assert float(difference.abs().max()) < 1e-3 * float(apart.abs().max())
    assert torch.equal(values[COMBINATION][1.0].value, values[BLUR][0.0].value.roll(-1, 0))


def found_of(*values: float) -> Found:
    value = torch.tensor(values, dtype=torch.float64)
    residual = torch.where(value.isnan(), 0.2, 1e-5)
    return Found(value, residual, torch.full_like(value, 0.1))


def test_table_counts_rises_where_both_are_known() -> None:
    unknown = float("nan")
    levels = {
        0.0: found_of(1, 2, 3),
        0.5: found_of(2, 2, unknown),
        1.0: found_of(4, 1, 5),
        2.0: found_of(unknown, unknown, unknown),
    }
    first, half, one, two = table({BLUR: levels}).splitlines()[2:]
    assert first == "| blur, pixels | 0 | 2.00 |  | 1e-05 | 0.10 |"
    assert half == "| blur, pixels | 0.5 | 2.00 (2 of 3 known) | 1 of 2 | 2e-01 | 0.10 |"
    assert one == "| blur, pixels | 1 | 3.33 | 1 of 2 | 1e-05 | 0.10 |"
    assert two == "| blur, pixels | 2 | not known | 0 of 0 | 2e-01 | 0.10 |"


def test_chords_are_counted_where_the_prior_is_not_convex() -> None:
    parts = {0.0: (0.0, 4.0), 0.25: (2.0, 3.0), 0.5: (0.5, 9.0), 0.75: (9.0, float("nan")), 1.0: (0.0, 0.0)}
    told = chords({COMBINATION: {part: found_of(*values) for part, values in parts.items()}})
    assert told.endswith("in 1 of 2 at 0.25, 2 of 2 at 0.5, 1 of 1 at 0.75.")


def test_a_curve_lies_at_its_values_and_is_interrupted_where_they_are_not_known() -> None:
    panel = Panel(10, 20, 100, 50, (0, 4), (0, 10))
    assert panel.at(0, 0) == (10, 70) and panel.at(4, 10) == (110, 20)
    curve = Curve("a", [0, 1, 2, 3, 4], [0, 5, float("nan"), 5, 10], "#ff0000", dots=True)
    parts = panel_parts(panel, [curve], "title", "x")
    lines = [part for part in parts if isinstance(part, Line) and part.colour == curve.colour]
    assert [(one.start, one.end) for one in lines] == [((10, 70), (35, 45)), ((85, 45), (110, 20))]
    assert len([part for part in parts if isinstance(part, Dot)]) == 4
    dashed = panel_parts(panel, [curve._replace(dashed=True, y=[0.0] * 5)], "title", "x")
    assert sum(isinstance(part, Line) and part.colour == curve.colour for part in dashed) == 2
    low, high = range_of([curve])
    assert -1 < low < 0 and 10 < high < 11
    assert range_of([curve._replace(y=[float("nan")] * 5)]) == (-0.04, 1.04)


def test_drawing_shows_every_level_of_the_first_slice_and_a_question_mark_where_nothing_is_known(
    whole: Tensor,
) -> None:
    images = perturbed(whole, 2, 16, (-1.0, 1.0))
    values = {kind: {level: found_of(1.25, 2, 3) for level in levels} for kind, levels in images.items()}
    values[BLUR][4.0] = found_of(float("nan"), 2, 3)
    parts = study_drawing(images, values).parts
    assert sum(isinstance(part, Picture) for part in parts) == 15
    words = [part.text for part in parts if isinstance(part, Text)]
    assert words.count("1.2") == 14 and words.count("?") == 1
    assert {NOISE, BLUR, COMBINATION} <= set(words)


def run(monkeypatch: pytest.MonkeyPatch, module: object, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["", *map(str, words)])
    module.main()  # type: ignore[attr-defined]


def test_study_prints_its_table_and_draws(
    lpn_file: Callable[..., Path],
    bodies: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = bodies / "study.png"
    run(monkeypatch, lpn_prior_study, bodies, "--prior", lpn_file(1), "--slices", 2, "--picture", picture)
    told = capsys.readouterr().out
    assert "sigma 0.1: 2 slices, 16 x 16 pixels" in told and told.count("\n| ") == 16
    with Image.open(picture) as shown:
        assert shown.format == "PNG" and shown.width > 2 * shown.height


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--slices", "1"], "--slices must be from 2 to 7 for ct, got 1"),
        (["--slices", "7", "--kind", "mri"], "--slices must be from 2 to 6 for mri, got 7"),
        (["--kind", "mri"], f"DATA must hold {FOLDER}"),
        (["--prior", "none-such"], "prior must be"),
        (["--picture", "study.jpg"], "--picture: must be a .png file in a folder that exists, got study.jpg"),
    ],
)
def test_what_cannot_be_studied_is_one_sentence(
    words: list[str],
    sentence: str,
    lpn_file: Callable[..., Path],
    bodies: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, lpn_prior_study, bodies, "--prior", lpn_file(1), *words)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_laplacian_experiment_draws_what_it_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    monkeypatch.setattr(lpn_laplacian, "write_drawing", lambda path, drawing: drawn.append((path, drawing)))
    picture = tmp_path / "laplacian.png"
    run(monkeypatch, lpn_laplacian, "--scale", 0.001, "--batch", 20, "--picture", picture)
    assert capsys.readouterr().out.count("\n| ") == 9
    (((path, drawing),)) = drawn
    assert path == picture
    words = [part.text for part in drawing.parts if isinstance(part, Text)]
    for name in ("soft threshold", "exact mean", "exact median", "exact matching, gamma 0.1", "|x|"):
        assert words.count(name) == 1
    for name in ("learned, l2", "learned, l1", "learned, matching 0.1, rate 1e-06"):
        assert words.count(name) == 2

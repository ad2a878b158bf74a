"""Tables of ReconResNet: slices, patterns, rows, figures; the rate's operations."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from benchmarks.dds_contenders import solved
from benchmarks.dds_runs import Case, Section, table
from benchmarks.reconresnet_cases import (
    Shown,
    brain_pattern,
    evenly,
    shown_slices,
    simulated,
    slice_cases,
)
from benchmarks.reconresnet_figures import COLUMNS, SPREAD, figures_and_lesion
from benchmarks.reconresnet_rate import networks, operations
from benchmarks.reconresnet_table import Contender, asked_of, rows_of, sections
from proxflow.configs.reconresnet_training import PATTERNS
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.weights.reconresnet_weights import ReconResNetWeights, write_reconresnet_weights
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.operators.fourier import fft2c
from proxflow.tasks.reconresnet_training.patterns import LEAST_LINES

SIDE = 48


def disc() -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
    return ((x**2 + 2 * y**2) < 0.6) * (0.8 + 0.2 * y)


@pytest.fixture
def shown() -> Shown:
    lesion = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    lesion[20:30, 22:34] = True
    return Shown("disc 3", disc(), lesion)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    settings = ReconResNetSettings(n_blocks=1, width=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ReconResNet(settings)
    path = tmp_path / "tiny.safetensors"
    write_reconresnet_weights(path, ReconResNetWeights(network.state_dict(), asdict(settings)))
    return path


def test_slices_are_even_of_those_that_show_the_lesion_and_of_the_asked_side(tmp_path: Path) -> None:
    volume, labels = np.zeros((60, 96, 9), np.int16), np.zeros((60, 96, 9), np.uint8)
    volume[10:40, 20:70, 1:] = 100 * np.arange(1, 9)  # slice 0 shows nothing
    labels[20:32, 40:60, 4:8] = 2
    for name, values in (("head", volume), ("labels", labels), ("other", labels[:-2])):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / f"{name}.nii.gz")
    file = tmp_path / "head.nii.gz"
    found = shown_slices(file, 2, SIDE)
    assert [one.name for one in found] == ["head 3", "head 7"]
    assert all(one.magnitude.shape == (SIDE, SIDE) and one.lesion is None for one in found)
    assert float(found[0].magnitude.max()) == pytest.approx(1, rel=0.02)
    with_lesion = shown_slices(file, 9, SIDE, tmp_path / "labels.nii.gz")
    assert [one.name for one in with_lesion] == [f"head {i}" for i in range(4, 8)]
    lesion = with_lesion[0].lesion
    assert lesion is not None and int(lesion.sum()) == 6 * 10  # half the pixels along each axis
    assert lesion[20:30, 9 + 10 : 9 + 16].all()  # 30 of 48 columns, in the middle: 9 of zeros before
    with pytest.raises(SystemExit, match="must have the voxels of head"):
        shown_slices(file, 1, SIDE, tmp_path / "other.nii.gz")


def test_slices_are_the_middles_of_equal_parts() -> None:
    assert evenly(9, 3) == [1, 4, 7]
    assert evenly(19, 1) == [9]
    assert evenly(2, 5) == [0, 1]
    assert evenly(0, 4) == []


@pytest.mark.parametrize("name", PATTERNS)
def test_measurement_is_of_the_slice_with_a_phase_that_its_name_decides(name: str, shown: Shown) -> None:
    (case,) = slice_cases([shown], [name], side=SIDE, with_phase=True)  # type: ignore[list-item]
    posed, again = case.pose(), case.pose()
    assert torch.equal(posed.y, again.y)
    np.testing.assert_allclose(np.abs(posed.reference[0]), shown.magnitude, atol=1e-6)
    assert np.angle(posed.reference[0][shown.magnitude.numpy() > 0]).std() > 0.01
    other = simulated(shown._replace(name="disc 4"), name, SIDE, True)  # type: ignore[arg-type]
    assert not np.allclose(other.reference, posed.reference)
    acceleration_told = posed.told["acceleration"]
    if name.startswith("spokes"):
        assert acceleration_told == pytest.approx(512 / int(name[6:]), rel=0.07)  # 6 spokes for 5.6
    else:
        kspace = fft2c(torch.from_numpy(posed.reference[0]))
        sampled = posed.y[0] != 0
        torch.testing.assert_close(posed.y[0][sampled], kspace[sampled])
        most = 0.25 + 9 / SIDE if name == "step4" else int(name[-2:]) / 100
        assert 1 / acceleration_told <= max(most, (LEAST_LINES + 1) / SIDE * name.startswith("lines"))
    plain = simulated(shown, name, SIDE, False)  # type: ignore[arg-type]
    assert (plain.reference.imag == 0).all()


def test_spokes_are_scaled_so_that_iterations_converge(shown: Shown, rng: torch.Generator) -> None:
    posed = simulated(shown, "spokes60", SIDE, True)
    x = torch.randn(SIDE, SIDE, dtype=torch.complex64, generator=rng)
    for _ in range(40):
        x = posed.operator.normal(x)
        x = x / x.norm()
    assert float(posed.operator.normal(x).norm()) ** 0.5 <= posed.norm


@pytest.mark.parametrize("kind", ["lines", "disc"])
def test_brain_is_thinned_out_as_the_recipe_does(kind: str) -> None:
    pattern = brain_pattern(kind)
    mask = pattern.mask((224, 192), 1)
    height, width = pattern.centre((224, 192))
    rows, columns = slice(112 - height // 2, 112 + height // 2), slice(96 - width // 2, 96 + width // 2)
    assert mask[rows, columns].all() and (height, width) == (24, 24)
    assert 3 < acceleration(mask) < 5
    assert (mask != pattern.mask((224, 192), 2)).any()
    assert (mask == mask[:, :1]).all() == (kind == "lines")


def test_lesion_is_scored_apart(shown: Shown) -> None:
    reference = shown.magnitude.numpy()[None] + 0j
    lesion = np.asarray(shown.lesion)
    wrong = reference.copy()
    wrong[0][lesion] *= 0.5
    found = figures_and_lesion(wrong, reference, lesion)
    assert found["lesion_nmse"] == pytest.approx(0.25, rel=1e-5)
    of_all = float((np.abs(reference[0])[lesion] ** 2).sum() / (np.abs(reference) ** 2).sum())
    assert found["nmse"] == pytest.approx(0.25 * of_all, rel=1e-5)
    assert found["psnr"] == pytest.approx(-10 * np.log10(np.mean(np.abs(wrong - reference) ** 2)), abs=1e-4)
    assert found["ssim"] < found["ssim_2"] < 1 and found["lesion_ssim"] < found["ssim"]
    assert set(figures_and_lesion(wrong, reference)) == {"ssim", "ssim_2", "psnr", "nmse"}


def test_consistent_row_keeps_the_samples_and_the_networks_does_not(shown: Shown, weights: Path) -> None:
    asked = asked_of([".", "--network", f"tiny={weights}", "--side", str(SIDE)])
    section = Section("s", "grid", ("zero_filled", "reconresnet", "unet"), {}, [], [])
    rows = rows_of(section, asked)
    assert [row.label for row in rows] == ["zero_filled", "tiny, network", "tiny, consistent"]
    posed = simulated(shown, "lines30", SIDE, True)
    errors = []
    for row in rows[1:]:
        image = torch.from_numpy(solved(row, {}, posed, "cpu").image[0])
        errors.append(float((posed.operator.forward(image) - posed.y).norm() / posed.y.norm()))
    assert errors[1] < 1e-5 < 0.05 < errors[0]


def test_rows_are_of_the_section(weights: Path) -> None:
    words = [".", "--network", str(weights), "--methods", "zero_filled", "tv", "unet", "--unet", str(weights)]
    asked = asked_of(words)

    def rows(kind: str) -> dict[str, Contender]:
        return {row.label: row for row in rows_of(Section("s", kind, (), {}, [], []), asked)}

    assert list(rows("spokes")) == ["gridding", "tv", "unet, network", "unet, consistent"]
    assert rows("grid")["tv"].fixed == {} and rows("brain")["tv"].fixed == {"lam": 0.003}
    assert rows("grid")["unet, consistent"].fixed["mu"] == 0
    assert rows("brain")["unet, consistent"].fixed["mu"] == 0.1
    asked.unet = None
    with pytest.raises(SystemExit, match="unet must have its weights, --unet FILE, got none"):
        rows("grid")
    asked.methods, asked.network = None, ["none.safetensors"]
    section = Section("s", "grid", ("reconresnet",), {}, [], [])
    with pytest.raises(SystemExit, match=r"network must be .* or an existing file, got none\.safetensors"):
        rows_of(section, asked)
    asked.network = [str(weights), str(weights)]
    with pytest.raises(SystemExit, match="networks must have names of their own"):
        rows_of(section, asked)


def test_sections_have_the_patterns_of_their_kind(tmp_path: Path) -> None:
    folder = tmp_path / "anatomy" / "mri_brain"
    folder.mkdir(parents=True)
    volume = np.zeros((40, 48, 3), np.int16)
    volume[10:30, 10:40] = 100
    for name in ("rire_mr_t1", "ixi002_t1_slice", "ixi002_t2_slice"):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / f"{name}.nii.gz")
    words = [str(tmp_path), "--sections", "heads", "--slices", "1", "--side", str(SIDE)]
    grid, spokes = sections(asked_of(words))
    assert (grid.numbers, spokes.numbers) == ("grid", "spokes")
    assert len(grid.cases) == 9 * 3 and len(spokes.cases) == 2 * 3
    assert [case.item for case in grid.with_images] == ["rire_mr_t1 1"] * 9
    (only,) = sections(asked_of([*words, "--patterns", "spokes30", "--phase", "none"]))
    assert {case.sampling for case in only.cases} == {"spokes30"} and only.name != spokes.name
    with pytest.raises(SystemExit):
        asked_of([*words, "--lesions", "rire=labels.nii.gz"])


def test_table_has_spread_and_no_columns_without_figures() -> None:
    one = {"acceleration": 3.5, "ssim": 0.8, "psnr": 20.0, "seconds": 2.0}
    found = {"lines30": {"a": {"tv": one}, "b": {"tv": {**one, "psnr": 23.0, "lesion_psnr": 11.0}}}}
    cases = [Case(item, "lines30", lambda: None) for item in ("a", "b")]  # type: ignore[arg-type,return-value]
    section = Section("part", "grid", ["tv"], {}, cases, [], columns=COLUMNS, spread=SPREAD)
    lines = table(found, section, [Contender("tv", "tv", {}, "tv")]).splitlines()
    assert lines[0] == (
        "| sampling | method | R | SSIM, range 1 | PSNR, dB | PSNR in the lesion, dB | CPU s |"
    )
    assert lines[2] == "| lines30 | tv | 3.5 | 0.8000 ± 0.0000 | 21.50 ± 2.12 | 11.00 | 2.00 |"


def test_operations_are_those_of_the_convolutions() -> None:
    network = ReconResNet(ReconResNetSettings(n_blocks=1, width=2, n_levels=1))
    n = 16 * 16
    head_and_stem = 2 * (2 * 49 * n)
    down, up = 2 * 4 * 9 * (n // 4), 4 * 2 * 9 * (n // 4)
    block = 2 * (4 * 4 * 9 * (n // 4))
    assert operations(network, 16) == 2 * (head_and_stem + down + up + block)
    assert next(network.parameters()).device.type == "cpu"


def test_networks_of_the_rate_are_those_of_a_training() -> None:
    default, published = networks(argparse.Namespace(network=None, released=True)).values()
    counts = [sum(one.numel() for one in network.parameters()) for network in (default, published)]
    assert counts == [1_102_764, 17_266_452]

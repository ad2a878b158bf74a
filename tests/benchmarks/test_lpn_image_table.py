"""Tables of deblurring and compressed sensing: what is measured, sections, numbers to choose from."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from benchmarks.certified import certified_figures
from benchmarks.dds_contenders import solved
from benchmarks.dds_ct_scans import Fine
from benchmarks.dds_ct_table import BODIES, TUNING_BODIES
from benchmarks.dds_figures import figures
from benchmarks.dds_runs import carried_out
from benchmarks.kept_figures import KeptFigures
from benchmarks.lpn_contenders import LPN_BLUR_GRIDS, LPN_SENSING_GRIDS, METHODS, lpn_contenders, lpn_rows
from benchmarks.lpn_image_scans import blurred, picture_of, sensed
from benchmarks.lpn_image_table import EXPERIMENTS, sections
from proxflow.configs.methods import MethodConfig
from proxflow.operators.circulant_sensing import CirculantSensing
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.operators.operator_norm import operator_norm

ALL = tuple(EXPERIMENTS)


@pytest.fixture
def fine(rng: torch.Generator) -> Fine:
    """48 x 48 pixels, two by two of which are one of the image."""
    slice_ = 0.01 * torch.rand(1, 48, 48, generator=rng)
    slice_[0, 10:30, 12:40] += 0.03
    return Fine(slice_.numpy(), 0.7, (1, 2))


def test_pictures_are_means_of_the_slice_with_a_largest_value_of_1(fine: Fine) -> None:
    picture = picture_of(fine)
    assert picture.shape == (24, 24) and float(picture.max()) == 1.0
    whole = fine.attenuation[0]
    ratio = whole[20:22, 30:32].mean() / whole[2:4, 6:8].mean()
    assert float(picture[10, 15] / picture[1, 3]) == pytest.approx(float(ratio), rel=1e-5)


@pytest.mark.parametrize(("name", "shape"), [*zip(ALL, (28, 28, 30, 30, 144, 36), strict=True)])
def test_experiments_are_of_the_published_operators_and_noise(
    name: str, shape: int, fine: Fine, rng: torch.Generator
) -> None:
    posed = EXPERIMENTS[name](fine, seed=2)
    assert posed.y.shape[0] == shape and posed.reference.shape == (1, 24, 24)
    noise = posed.y - posed.operator.forward(torch.from_numpy(posed.reference[0]))
    level = float(name.rpartition("-")[2]) if name.startswith("deblur") else 0.001
    assert posed.noise_std == level == pytest.approx(float(noise.std()), rel=0.3)
    norm = operator_norm(posed.operator, n_iter=1000, tol=1e-8, dtype=torch.float32)
    assert 0.975 * posed.norm < norm < posed.norm
    assert torch.equal(EXPERIMENTS[name](fine, seed=2).y, posed.y)
    assert not torch.equal(EXPERIMENTS[name](fine, seed=3).y, posed.y)
    if name.startswith("deblur"):
        assert isinstance(posed.operator, GaussianBlur)
        taps = posed.operator.taps
        sigma = float(name.split("-")[1])
        middle = len(taps) // 2
        assert float(taps[middle + 1] / taps[middle]) == pytest.approx(np.exp(-0.5 / sigma**2))
    else:
        assert isinstance(posed.operator, CirculantSensing)
        other = EXPERIMENTS[name](fine, seed=3).operator
        assert not torch.equal(other.signs, posed.operator.signs)  # type: ignore[attr-defined]


def test_every_experiment_has_numbers_of_its_own_chosen_on_another_person(tmp_path: Path) -> None:
    asked = argparse.Namespace(data=tmp_path, slices=2, side=128, sections=list(ALL))
    found = sections(asked)
    assert [one.numbers for one in found] == list(ALL) and len({one.name for one in found}) == 6
    for one in found:
        assert [case.item for case in one.cases] == [BODIES[0][0], BODIES[1][0]]
        assert [case.item for case in one.tuning] == [TUNING_BODIES[0][0]]
        assert set(one.methods) == set(one.grids) == set(METHODS)
    asked.sections = ["sensing-16"]
    assert [one.numbers for one in sections(asked)] == ["sensing-16"]


@pytest.mark.parametrize("grids", [LPN_BLUR_GRIDS, LPN_SENSING_GRIDS])
def test_all_numbers_to_choose_from_are_ones_that_the_methods_take(grids: dict[str, Any]) -> None:
    rows = lpn_contenders(METHODS, ["lpn-ct"], denoiser="dncnn-ct")
    assert {row.tuned for row in rows} == set(grids)
    for row in rows:
        for options in product(*grids[row.tuned]):
            numbers = {name: value for option in options for name, value in option.items()}
            config = TypeAdapter(MethodConfig).validate_python({"method": row.method, **numbers, **row.fixed})
            assert all(getattr(config, name) == value for name, value in numbers.items())


def test_rows_find_the_picture_and_the_box_of_its_range_keeps_it_there(
    lpn_file: Callable[..., Path], fine: Fine
) -> None:
    free, denoised = lpn_contenders(["lpn-published", "tv"], [str(lpn_file(1))], denoiser="tv")
    posed = blurred(fine, 1.0, 0.02, seed=0)
    boxed = solved(free, {"n_iter": 20, "rho": 0.1, "unit": 1.0, "box": True}, posed, "cpu")
    assert boxed.image.min() > -0.01 and boxed.image.max() < 1.01
    assert {"rho > L_h", "no box"} & set(certified_figures(boxed)["broken"])
    nonnegative = {"nonnegative": True, "n_iter": 200, "lam": 1e-3}
    found = solved(denoised, nonnegative, posed, "cpu").image
    assert figures(found, posed.reference)["psnr"] > 25
    quarter = sensed(fine, 1, 0.001, seed=0)  # as many combinations as pixels
    found = solved(denoised, {**nonnegative, "lam": 1e-5}, quarter, "cpu").image
    assert figures(found, quarter.reference)["psnr"] > 35


def test_numbers_are_chosen_and_the_table_is_printed(
    lpn_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    (reported, file, number), (tuned, other, _) = BODIES[0], TUNING_BODIES[0]
    assert file == other
    (tmp_path / file).parent.mkdir(parents=True)
    with h5py.File(tmp_path / file, "w") as held:
        held["patient"] = [tuned, *[reported] * (number + 1)]
        held["hu"] = rng.integers(-1000, 300, (number + 2, 32, 32)).astype(np.int16)
        held["pixel_mm"] = 0.7
    asked = argparse.Namespace(
        data=tmp_path, slices=1, side=16, sections=["deblur-2-0.04"], methods=["tv", "lpn-guaranteed"],
        prior=[str(lpn_file(1))], denoiser="dncnn-ct", device="cpu", threads=torch.get_num_threads(),
        tune=True, pictures=None, numbers=tmp_path / "numbers.json", out=tmp_path / "out.json",
    )  # fmt: skip
    short = {"tv": [[{"lam": 1e-3, "n_iter": 5}]], "lpn-guaranteed": [[{"n_iter": 3, "unit": 1.0}]]}
    made = [one._replace(grids=short) for one in sections(asked)]
    carried_out(made, asked, lpn_rows)
    assert set(KeptFigures(asked.numbers).content["deblur-2-0.04"]) == {"tv", "lpn-guaranteed"}
    asked.tune = False
    carried_out(made, asked, lpn_rows)
    told = capsys.readouterr().out
    assert told.startswith("deblur-2-0.04, 16 x 16\n\n| sampling | method | PSNR, dB |")
    assert "\n| deblur-2-0.04 | tv | " in told and "\n| deblur-2-0.04 | lpn guaranteed, lpn-1 | " in told

"""Tables of learned proximal networks: rows, scans, certificates, sections, the cost of f."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.certified import CERTIFIED, certified_cells, certified_figures, largest_rise
from benchmarks.dds_contenders import Posed, Solved, solved
from benchmarks.dds_ct_scans import Fine
from benchmarks.dds_runs import carried_out
from benchmarks.lpn_contenders import LPN_CT_GRIDS, lpn_contenders
from benchmarks.lpn_ct_scans import NOISE, sparse_view
from benchmarks.lpn_ct_table import TUNING_BODIES, sections
from benchmarks.lpn_prox_cost import PATTERNS
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.operators.parallel_beam import ParallelBeam


def test_rows_are_one_for_each_setting_and_prior_and_a_denoiser_of_its_own(
    lpn_file: Callable[..., Path],
) -> None:
    prior = str(lpn_file(1))
    rows = lpn_contenders(["lpn-guaranteed", "lpn-published", "pnp_admm", "tv"], [prior], denoiser="dncnn-ct")
    assert [row.label for row in rows] == [
        "lpn guaranteed, lpn-1",
        "lpn published, lpn-1",
        "pnp_admm, dncnn-ct",
        "tv",
    ]
    assert [row.fixed.get("setting") for row in rows] == ["guaranteed", "published", None, None]
    assert [row.tuned for row in rows] == ["lpn-guaranteed", "lpn-published", "pnp_admm", "tv"]
    assert rows[0].weights == rows[1].weights != rows[2].weights
    with pytest.raises(SystemExit, match="methods must be lpn-guaranteed or lpn-published for lpn, got lpn"):
        lpn_contenders(["lpn"], [prior], denoiser="dncnn-ct")
    with pytest.raises(SystemExit, match="prior must be one that lpn knows, got tv"):
        lpn_contenders(["lpn-published"], ["tv"], denoiser="dncnn-ct")


def test_sparse_view_scan_is_of_the_published_size_and_noise(rng: torch.Generator) -> None:
    """Of all pixels of the slice, in a unit in which its largest value is 1."""
    blocks = 0.03 * (torch.rand(1, 8, 8, generator=rng) > 0.5)
    fine = Fine(blocks.repeat_interleave(8, 1).repeat_interleave(8, 2).numpy(), 0.7, (1, 2))
    posed = sparse_view(fine, 60, seed=1)
    assert isinstance(posed.operator, ParallelBeam)
    assert posed.y.shape == (60, 400) and posed.reference.shape == (1, 32, 32)
    assert posed.operator.pixel_size_mm == 8.0
    assert 400 * posed.operator.column_size_mm == pytest.approx(256 * 2**0.5)
    assert posed.reference.max() == 1.0
    own = sparse_view(Fine(2 * fine.attenuation, 1.0, (1, 1)), 60, seed=1)
    noise = own.y - own.operator.forward(torch.from_numpy(own.reference[0]))
    assert float(noise.square().mean().sqrt()) == pytest.approx(NOISE, rel=0.02)
    torch.testing.assert_close(
        own.y, posed.y, rtol=0, atol=1e-3
    )  # of the fine pixels, whatever is looked for
    assert not torch.equal(sparse_view(fine, 60, seed=2).y, posed.y)


def test_rise_is_relative_to_what_the_objective_differed_by_and_no_constant_changes_it() -> None:
    assert largest_rise([5.0, 3.0, 3.0, 1.0]) == 0
    assert largest_rise([5.0, 3.0, 4.0, 1.0]) == largest_rise([-95.0, -97.0, -96.0, -99.0]) == 0.25
    assert largest_rise([1.0, 2.0]) == 1
    assert largest_rise([2.0]) == 0
    assert np.isnan(largest_rise([1.0, float("nan")]))


@pytest.fixture
def posed(rng: torch.Generator) -> Posed:
    """A smooth object of 24 x 20 pixels."""
    image = torch.zeros(24, 20)
    image[6:18, 5:14] = 0.02
    operator = ParallelBeam((24, 20), np.pi * np.arange(16) / 16, 34)
    return Posed(operator, operator.forward(image), 30.0, image.numpy()[None])


def test_run_of_each_setting_tells_what_holds_and_the_worst_is_shown(
    lpn_file: Callable[..., Path], posed: Posed
) -> None:
    kept, free, formula = lpn_contenders(
        ["lpn-guaranteed", "lpn-published", "fbp"], [str(lpn_file(1))], denoiser="tv"
    )
    guaranteed = certified_figures(solved(kept, {"n_iter": 40, "rho": 1.05}, posed, "cpu"))
    assert guaranteed["rise"] < 1e-4 and "rho > L_h" not in guaranteed["broken"]
    assert 0 < guaranteed["fixed_point_residual"] < 0.1
    published = certified_figures(solved(free, {"n_iter": 2, "rho": 0.1}, posed, "cpu"))
    assert "rho > L_h" in published["broken"]
    cells = certified_cells([published, {**published, "rise": 7.0, "fixed_point_residual": 9.0}])
    assert cells == ["9.0e+00", "7.0e+00", ", ".join(published["broken"])]
    averaged = {name: value for name, value in published.items() if name != "rise"}
    assert certified_cells([{**averaged, "broken": []}])[1:] == ["", "none"]
    assert certified_figures(solved(formula, {}, posed, "cpu")) == {}
    assert certified_cells([{}]) == [""] * len(CERTIFIED)


def test_every_number_of_views_has_a_table_and_numbers_chosen_on_another_person(tmp_path: Path) -> None:
    asked = argparse.Namespace(data=tmp_path, slices=2, side=64, sections=None, views=None)
    assert [one.numbers for one in sections(asked)] == ["body 200 views", "body 60 views", "body 30 views"]
    (tmp_path / "ct_raw" / "htc2022").mkdir(parents=True)
    found = sections(asked)
    assert [one.numbers for one in found][3:] == ["disc 60 views", "disc 30 views"]
    assert len({one.name for one in found}) == 5
    for one in found:
        assert len(one.cases) == 2 and len(one.tuning) == 1
        assert one.tuning[0].item not in {case.item for case in one.cases}
        assert set(one.methods) == set(one.grids)
    assert found[0].tuning[0].item == TUNING_BODIES[0][0] and found[4].tuning[0].item == "07a"
    asked.views, asked.sections = [30], ["body"]
    assert [one.numbers for one in sections(asked)] == ["body 30 views"]


def test_what_diverged_is_the_worst_of_trials(
    tmp_path: Path, posed: Posed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import dds_tuning
    from benchmarks.dds_runs import Case, Section
    from benchmarks.kept_figures import KeptFigures
    from proxflow.models.solvers.iteration import DivergenceError

    def one_diverges(row: object, numbers: dict[str, str], *rest: object) -> Solved:
        if numbers["window"] == "hann":
            raise DivergenceError("the objective must stay finite, got inf", 3, torch.zeros(()))
        return Solved(posed.reference, 1.0)

    monkeypatch.setattr(dds_tuning, "solved", one_diverges)
    cases = [Case("a", "all", lambda: posed)]
    asked = argparse.Namespace(
        methods=["fbp"], prior=[], device="cpu", threads=torch.get_num_threads(), tune=True, pictures=None,
        numbers=tmp_path / "numbers.json", out=tmp_path / "out.json",
    )  # fmt: skip
    carried_out([Section("part", "part", ["fbp"], LPN_CT_GRIDS, cases, cases)], asked)
    trials = KeptFigures(asked.numbers).content["part"]["fbp"]
    assert {one["numbers"]["window"]: one["psnr"] > 0 for one in trials} == {"hann": False, "ramp": True}


@pytest.mark.parametrize("name", list(PATTERNS))
def test_patterns_that_are_timed_are_of_the_same_patches(name: str, rng: torch.Generator) -> None:
    network = Icnn(IcnnSettings("small", side=16, hidden=3, beta=10.0)).double()
    prox = NetworkProx(network, memory_bytes=5 * 16 * 3 * 16**2 * 8)
    images = torch.rand(1, 1, 24, 40, dtype=torch.float64, generator=rng)
    batches = list(prox.batches(images))
    assert [len(batch) for batch in batches] == [5] * 4 + [4]  # 4 x 6 patches
    found = [PATTERNS[name](network, batch) for batch in batches]
    expected = [network(batch) for batch in batches]
    if name == "psi":
        expected = [network.evaluated(batch).potential for batch in batches]
    torch.testing.assert_close(torch.cat(found), torch.cat(expected))

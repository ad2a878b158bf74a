"""Recipes with a learned proximal network: the run, its certificate, what is refused in one sentence."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from proxflow.data.store.artefact import Artefact
from proxflow.tasks.stages.certificates import certificates_of

SLICES = """name: slices
scan: {path: 'sample://phantom-lowfield', items: '2:4'}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: lpn, prior: PRIOR, n_iter: 12, tol: 0}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
CT = """name: ct
scan: {kind: ct, path: SCAN}
reconstruct: {method: lpn, prior: PRIOR, n_iter: 12, tol: 0}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def artefact(store: Path) -> Artefact:
    """The reconstruction in the store that was made last."""
    paths = sorted((store / "artefacts").glob("??/*.h5"), key=lambda path: path.stat().st_mtime_ns)
    return [found for found in map(Artefact, paths) if found.provenance["label"] == "reconstruct:lpn"][-1]


@pytest.fixture
def slices(tmp_path: Path, store: Path, lpn_file: Any) -> Path:
    path = tmp_path / "slices.yaml"
    path.write_text(SLICES.replace("STORE", str(store)).replace("PRIOR", str(lpn_file(2))))
    return path


@pytest.fixture
def ct(tmp_path: Path, store: Path, lpn_file: Any, ct_scan: Any) -> Path:
    path = tmp_path / "ct.yaml"
    text = CT.replace("STORE", str(store)).replace("PRIOR", str(lpn_file(1)))
    path.write_text(text.replace("SCAN", str(ct_scan("parallel"))))
    return path


@pytest.mark.parametrize("solver", ["admm", "pgd"])
def test_a_guaranteed_run_descends_and_its_certificate_lies_with_the_image(
    proxflow: Any, slices: Path, store: Path, solver: str
) -> None:
    code, run, err = proxflow("run", slices, *settings(f"reconstruct.solver={solver}"))
    assert code == 0, err
    assert np.iscomplexobj(image(run)) and np.abs(image(run)).max() > 0
    with artefact(store) as made:
        certificates, traces = certificates_of(made), made.document("trace")
    assert len(certificates) == len(traces) == 2
    for certificate, trace in zip(certificates, traces, strict=True):
        held = {condition.name: condition.holds for condition in certificate.conditions}
        assert held["rho > L_h" if solver == "admm" else "eta < 1 / L_h"] and held["objective never rises"]
        scale = max(map(abs, trace["objective"]))
        assert all(after <= before + 1e-5 * scale for before, after in pairwise(trace["objective"]))
        assert trace["objective"][-1] < trace["objective"][0]
        assert certificate.figures["fixed_point_residual"] == trace["fixed_point_residual"][-1]
        assert held["prior of last image found"] == (certificate.figures["inversion_residual_after"] <= 1e-3)
        assert held["prior of last image found"] == math.isfinite(certificate.figures["prior_after"])

    report = (Path(run["run_dir"]) / "report.html").read_text()
    assert 'id="certificate"' in report and "up to the same constant" in report
    assert "Value of the prior" in report and "Residual of the fixed point" in report
    told = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]["lpn"]["certificate"]
    assert told == [certificate.to_json() for certificate in certificates]


def test_published_runs_tell_which_condition_did_not_hold(proxflow: Any, ct: Path, store: Path) -> None:
    code, run, err = proxflow("run", ct, *settings("reconstruct.setting=published", "reconstruct.n_newton=0"))
    assert code == 0, err
    with artefact(store) as made:
        certificate = certificates_of(made)[0]
    held = {condition.name: condition for condition in certificate.conditions}
    assert not held["rho > L_h"].holds and held["rho > L_h"].text == "rho must be above L_h = 1, got 0.1"
    assert "prior_after" not in certificate.figures
    report = (Path(run["run_dir"]) / "report.html").read_text()
    assert re.search(r"lpn: did not hold: [^<]*rho &gt; L_h", report)


def test_workers_change_nothing(proxflow: Any, slices: Path, store: Path, tmp_path: Path) -> None:
    """Certificates of other processes come through the checkpoints of finished items."""
    _, run, err = proxflow("run", slices)
    apart = settings("runtime.runner=processes", "runtime.workers=2", f"runtime.store={tmp_path}/other")
    code, spread, err = proxflow("run", slices, *apart, "--out", "spread")
    assert code == 0, err
    np.testing.assert_array_equal(image(spread), image(run))
    with artefact(store) as one, artefact(tmp_path / "other") as other:
        told, again = ([kept.to_json() for kept in certificates_of(made)] for made in (one, other))
    assert told == again != []


def test_as_many_patches_go_through_the_network_as_memory_has_room_for(
    proxflow: Any, slices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.models.networks.icnn import Icnn

    seen: list[int] = []
    plain = Icnn.evaluated

    def counted(self: Icnn, y: torch.Tensor) -> Any:
        seen.append(len(y))
        return plain(self, y)

    monkeypatch.setattr(Icnn, "evaluated", counted)
    less = ("runtime.memory=1MiB", "reconstruct.n_iter=1", "scan.items=[3]")
    code, _, err = proxflow("run", slices, *settings(*less))
    assert code == 0, err
    at_once = 2**20 // (6 * 4 * 16**2 * 4)  # arrays, hidden channels, pixels, bytes
    assert seen[:2] == [at_once, 81 - at_once]  # 60 pixels lie in nine rows of patches


def test_what_does_not_go_together_is_one_sentence(
    proxflow: Any, slices: Path, ct: Path, lpn_file: Any, tmp_path: Path
) -> None:
    def negative(weights: dict[str, torch.Tensor]) -> None:
        weights["lin.2.weight"][0, 0, 0, 0] = -0.5

    bad = lpn_file(2, negative)
    (tmp_path / "torn.safetensors").write_bytes(b"nothing")
    for path, change, words in (
        (slices, "reconstruct.rho=0.9", "reconstruct.lpn: rho must be above L_h = 1, got 0.9 (setting guar"),
        (
            slices,
            f"reconstruct={{method: lpn, solver: pgd, eta: 1.5, prior: {lpn_file(2)}}}",
            "reconstruct.lpn: eta must be below 1 / L_h = 1, got 1.5 (setting guaranteed)",
        ),
        (slices, f"reconstruct.prior={bad}", "lin.2.weight must be at least 0, got -0.5"),
        (slices, "reconstruct.stride=5", "reconstruct.lpn: stride must divide the side 16"),
        (slices, "reconstruct.eta=0.5", "eta must be null with solver admm, which has rho, got 0.5"),
        (slices, "reconstruct.box=true", "box must be false with setting guaranteed, got true"),
        (
            slices,
            f"reconstruct={{method: lpn, setting: published, box: true, prior: {lpn_file(2)}}}",
            "reconstruct.lpn: box must be false for complex images, got true",
        ),
        (ct, f"reconstruct.prior={lpn_file(2)}", "reconstruct.lpn: prox must be for real images, got a net"),
        (slices, "reconstruct.prior=gone.pth", "prior must be a name of docs/methods/lpn.md or an existing"),
        (slices, "reconstruct.prior=torn.safetensors", "torn.safetensors"),
        (slices, "reconstruct.prior=tv", "reconstruct.prior must "),
    ):
        code, _, err = proxflow("run", path, *settings(change), "--out", "refused")
        assert code == 2 and words in err and "Traceback" not in err, (change, code, err)
    code, _, err = proxflow("check", slices)
    assert code == 0, err
    code, _, err = proxflow("check", slices, *settings("reconstruct.rho=0.9"))
    assert code == 2 and "rho must be above L_h = 1, got 0.9" in err, err


QUICK = ("reconstruct.n_iter=4", "evaluate.held_out_fraction=0", "compare=[]")
READY = {
    "ct-lpn-sparse-view": ("image.matrix=[64, 64]", "image.voxel_mm=1.186"),
}


@pytest.mark.parametrize("name", READY)
def test_ready_recipes_run_and_certify(proxflow: Any, store: Path, lpn_file: Any, name: str) -> None:
    """By a drawn network: with the shipped ones they take minutes on a CPU."""
    every = (*QUICK, *READY[name], f"reconstruct.prior={lpn_file(1)}", f"runtime.store={store}")
    code, run, err = proxflow("run", name, *settings(*every, "runtime.device=cpu"))
    assert code == 0, err
    assert np.isfinite(image(run)).all() and np.abs(image(run)).max() > 0
    with artefact(store) as made:
        held = {one.name: one.holds for one in certificates_of(made)[0].conditions}
    kept = ("exact patches", "rho > L_h", "0 < 2 alpha < 1", "no box", "objective never rises")
    assert all(held[condition] for condition in kept)
    assert not held["fixed point reached"]  # by four iterations

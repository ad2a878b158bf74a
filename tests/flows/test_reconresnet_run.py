"""Recipes with ReconResNet: one coil and many, on a grid and along spokes, with weights drawn at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from proxflow.data.open_scan import open_scan
from proxflow.data.weights.reconresnet_weights import ReconResNetWeights, write_reconresnet_weights
from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.operators.fourier import fft2c
from proxflow.tasks.denoisers import file_of

SLICES = """name: slices
scan: {path: 'sample://phantom-lowfield', items: '2:4'}
prepare:
  - {kind: undersample_gaussian, pattern: lines, fraction: 0.5, seed: 1}
calibrate: {kind: given, path: ones.npy}
reconstruct: {method: reconresnet, network: net.safetensors}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
COILS = """name: coils
scan: {path: 'sample://brain-13coil'}
prepare:
  - {kind: crop, matrix: [91, 78]}
  - {kind: compress_coils, n_coils: 3}
  - {kind: undersample_gaussian, pattern: disc, fraction: 0.4, seed: 2, acs: [20, 16]}
reconstruct: {method: reconresnet, network: net.safetensors}
evaluate: {held_out_fraction: 0.05}
runtime: {device: cpu, store: STORE}
"""
SPOKES = """name: spokes
scan: {kind: mri-radial, path: 'sample://brain-radial'}
prepare:
  - {kind: compress_coils, n_coils: 2}
  - {kind: keep_spokes, n_spokes: 20}
reconstruct: {method: reconresnet, network: net.safetensors}
evaluate: {reference: none, held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
GOLDEN = "reconstruct.consistency=published_spokes"
RANDOM = ReconResNetSettings(n_blocks=1, width=4)
LOWFIELD = (60, 60)  # pixels of the sample


@pytest.fixture
def written(tmp_path: Path, store: Path) -> Any:
    """``written(text)``: the recipe's file, beside coil maps and weights: ``net`` drawn at random, ``same``
    of a network that adds nothing to the image."""
    torch.manual_seed(3)
    network = ReconResNet(RANDOM)
    write(tmp_path / "net.safetensors", network, RANDOM)
    torch.nn.init.constant_(network.finalconv[1].bias, -30)  # sigmoid: 0
    write(tmp_path / "same.safetensors", network, replace(RANDOM, skips=1))
    np.save(tmp_path / "ones.npy", np.ones((1, *LOWFIELD), np.complex64))

    def recipe(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text.replace("STORE", str(store)))
        return path

    return recipe


def write(path: Path, network: ReconResNet, shape: ReconResNetSettings) -> None:
    write_reconresnet_weights(path, ReconResNetWeights(network.state_dict(), asdict(shape)))


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def sampled(run: dict[str, Any], items: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """k-space of a run's images and of the sample ``phantom-lowfield``, where the run sampled."""
    with open_scan("sample://phantom-lowfield") as scan:
        measured = torch.from_numpy(np.asarray(scan.read(list(items)).samples))[:, 0]
    found = fft2c(torch.from_numpy(image(run)))
    metrics = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())
    lines = (found - measured).abs().amax((0, 2)) < 1e-4 * measured.abs().max()
    assert found.shape[1] / int(lines.sum()) == pytest.approx(metrics["acceleration"])
    return found[:, lines], measured[:, lines]


def test_samples_of_one_coil_are_kept_and_the_acceleration_is_exact(proxflow: Any, written: Any) -> None:
    recipe = written(SLICES)
    code, run, err = proxflow("run", recipe)
    assert code == 0, err
    found, measured = sampled(run, (2, 3))  # as many lines fit as were sampled, and no more
    torch.testing.assert_close(found, measured, rtol=0, atol=1e-5 * float(measured.abs().max()))
    assert run["metrics"]["data_residual"] < 1e-5
    assert "Gaussian lines, seed 1, R = 2." in (Path(run["run_dir"]) / "report.html").read_text()
    _, alone, _ = proxflow("run", recipe, *settings("scan.items=[3]"), "--out", "alone")
    np.testing.assert_array_equal(image(alone)[0], image(run)[1])


def test_published_forms_do_not_keep_them(proxflow: Any, written: Any) -> None:
    recipe = written(SLICES)
    residual = {}
    for name in ("none", "published_real", "published_magnitude"):
        changes = settings(f"reconstruct.consistency={name}", "reconstruct.phase=none", "scan.items=[3]")
        code, run, err = proxflow("run", recipe, *changes, "--out", name)
        assert code == 0, err
        residual[name] = run["metrics"]["data_residual"]
        assert name == "none" or not image(run).imag.any()
    assert 1e-3 < residual["published_real"] < residual["none"]
    assert residual["published_magnitude"] > 1e-3


def test_many_coils_and_odd_sides(proxflow: Any, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget of memory reaches the network; measured samples are fitted, withheld ones predicted."""
    budgets = []
    plain = NetworkDenoiser.__call__

    def noted(self: NetworkDenoiser, images: torch.Tensor) -> torch.Tensor:
        budgets.append(self.memory_bytes)
        return plain(self, images)

    monkeypatch.setattr(NetworkDenoiser, "__call__", noted)
    recipe = written(COILS)
    residual, error = {}, {}
    for name, mu in (("exact", "null"), ("exact", "0"), ("none", "null")):
        more = ("reconstruct.network=same.safetensors", "runtime.memory=64MiB", f"reconstruct.mu={mu}")
        changes = settings(f"reconstruct.consistency={name}", *more)
        code, run, err = proxflow("run", recipe, *changes, "--out", name + mu)
        assert code == 0, err
        assert image(run).shape == (1, 91, 78) and np.iscomplexobj(image(run))
        residual[name + mu] = run["metrics"]["data_residual"]
        figures = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]["reconresnet"]
        error[name + mu] = figures["metrics"]["held_out_error"]["value"]
    assert residual["exact0"] < residual["exactnull"] < 0.8 * residual["nonenull"]
    assert error["exactnull"] < 1 < 3 < error["exact0"]  # with mu = 0 the noise is fitted
    assert set(budgets) == {64 << 20}


def test_spokes_are_weighted_for_the_network_and_fitted(proxflow: Any, written: Any) -> None:
    recipe = written(SPOKES)
    residual = {}
    for name in ("exact", "none"):
        code, run, err = proxflow("run", recipe, *settings(f"reconstruct.consistency={name}"), "--out", name)
        assert code == 0, err
        assert image(run).ndim == 3 and np.isfinite(image(run)).all()
        residual[name] = run["metrics"]["data_residual"]
    assert residual["exact"] < 0.8 * residual["none"]
    cut = settings("image={matrix: [62, 62]}")  # readouts differ in length
    code, run, err = proxflow("run", recipe, *cut, "--out", "cut")
    assert code == 0, err
    assert image(run).shape == (1, 62, 62) and np.isfinite(image(run)).all()
    code, _, err = proxflow("run", recipe, *settings(GOLDEN), "--out", "golden")
    assert code == 2 and "reconstruct.reconresnet: the published radial consistency must be given" in err, err


def test_what_does_not_go_together_is_one_sentence(proxflow: Any, written: Any, tmp_path: Path) -> None:
    recipe = written(SLICES)
    (tmp_path / "torn.safetensors").write_bytes(b"nothing")
    write(tmp_path / "other.safetensors", ReconResNet(RANDOM), replace(RANDOM, n_blocks=2))
    dncnn = file_of("dncnn-mri")
    for change, words in (
        ("reconstruct.network=torn.safetensors", "torn.safetensors"),
        ("reconstruct.network=other.safetensors", "other.safetensors: "),
        (f"reconstruct.network={dncnn}", "dncnn-mri.safetensors"),
        ("reconstruct.network=gone.safetensors", "network must be a name of"),
        ("reconstruct.network=dncnn-mri", "reconstruct.network must "),
        ("reconstruct={method: reconresnet, mu: 1, consistency: none}", "mu must be 0 unless consistency is"),
    ):
        for command in ("run", "check"):
            out = ("--out", "refused") if command == "run" else ()
            code, _, err = proxflow(command, recipe, *settings(change), *out)
            assert code == 2 and words in err and "Traceback" not in err, err
            assert len(err.strip().splitlines()) < 4, err


def test_check_counts_the_network(proxflow: Any, written: Any, tmp_path: Path) -> None:
    """Its pass is timed, and its memory stands beside that of the iterates."""
    recipe = written(COILS)
    memory, seconds = {}, {}
    for method in ("reconresnet, network: net.safetensors", "zero_filled"):
        code, told, err = proxflow("check", recipe, *settings(f"reconstruct={{method: {method}}}"))
        assert code == 0, err
        stages = {stage["name"].partition(":")[0]: stage for stage in told["stages"]}
        memory[method[0]] = stages["reconstruct"]["memory_bytes"] - stages["calibrate"]["memory_bytes"]
        seconds[method[0]] = stages["reconstruct"]["seconds"]
    network = RANDOM.pixel_bytes * 91 * 78 + 2 * (tmp_path / "net.safetensors").stat().st_size
    assert memory["r"] - memory["z"] == network
    assert seconds["r"] > seconds["z"]


@pytest.mark.parametrize(
    ("name", "direct"), [("mri-reconresnet-cartesian", "zero_filled"), ("mri-reconresnet-radial", "gridding")]
)
def test_ready_recipes_predict_what_was_withheld_better_than_formulae(
    proxflow: Any, store: Path, name: str, direct: str
) -> None:
    """With the weights that ship."""
    every = (f"compare=[{{method: {direct}}}]", f"runtime.store={store}", "runtime.device=cpu")
    code, run, err = proxflow("compare", name, *settings(*every))
    assert code == 0, err
    figures = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]
    errors = {name: values["metrics"]["held_out_error"]["value"] for name, values in figures.items()}
    assert errors["reconresnet"] < min(errors[direct], 1)

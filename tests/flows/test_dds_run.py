"""Recipes with the diffusion sampler: items, workers and files of weights, and the ready ones made quick."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.tasks.diffusion_networks import open_diffusion_unet

SLICES = """name: slices
scan: {path: 'sample://phantom-lowfield', items: '2:5'}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: dds, prior: fourier-wiener, n_iter: 6}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
LOWFIELD = (60, 60)  # pixels of the sample


@pytest.fixture
def slices(tmp_path: Path, store: Path) -> Path:
    path = tmp_path / "slices.yaml"
    path.write_text(SLICES.replace("STORE", str(store)))
    return path


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def unet(path: Path, channels: int) -> Path:
    shape = DiffusionUnetSettings(None, channels, channels, 32, (1, 2), 1, (2,), head_channels=32)
    write_diffusion_weights(path, DiffusionWeights(DiffusionUnet(shape).state_dict(), asdict(shape)))
    return path


def test_a_slice_has_its_own_noise_whatever_is_solved_beside_it(proxflow: Any, slices: Path) -> None:
    code, run, err = proxflow("run", slices)
    assert code == 0, err
    three = image(run)
    _, alone, _ = proxflow("run", slices, *settings("scan.items=[3]"), "--out", "alone")
    np.testing.assert_array_equal(image(alone)[0], three[1])
    _, other, _ = proxflow("run", slices, *settings("scan.items=[3]", "reconstruct.seed=1"), "--out", "other")
    assert np.abs(image(other) - image(alone)).max() > 1e-3 * np.abs(image(alone)).max()


def test_workers_change_nothing(proxflow: Any, slices: Path, tmp_path: Path) -> None:
    _, run, _ = proxflow("run", slices)
    apart = settings("runtime.runner=processes", "runtime.workers=2", f"runtime.store={tmp_path}/other")
    code, spread, err = proxflow("run", slices, *apart, "--out", "spread")
    assert code == 0, err
    np.testing.assert_array_equal(image(spread), image(run))


def test_a_network_of_one_channel_sees_the_parts_of_complex_images(
    proxflow: Any, slices: Path, tmp_path: Path
) -> None:
    one = unet(tmp_path / "one.safetensors", 1)
    code, run, err = proxflow("run", slices, *settings(f"reconstruct.prior={one}", "scan.items=[3]"))
    assert code == 0, err
    assert np.iscomplexobj(image(run)) and np.isfinite(image(run)).all()


def test_as_many_images_go_through_the_prior_as_memory_has_room_for(
    proxflow: Any, slices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight samples of a slice, three and a half of which fit."""
    seen: list[int] = []
    plain = VpNetworkPrior.__call__

    def counted(self: VpNetworkPrior, x: torch.Tensor, level: Any) -> torch.Tensor:
        seen.append(len(x))
        return plain(self, x, level)

    monkeypatch.setattr(VpNetworkPrior, "__call__", counted)
    weights = unet(tmp_path / "two.safetensors", 2)
    like = torch.empty(LOWFIELD, dtype=torch.complex64)
    budget = 3.5 * VpNetworkPrior(open_diffusion_unet(weights)).image_bytes(like) / 2**20
    more = (f"reconstruct.prior={weights}", "reconstruct.n_iter=2", "reconstruct.samples=8")
    code, _, err = proxflow(
        "run", slices, *settings(*more, "scan.items=[3]", f"runtime.memory={budget:.3f}MiB")
    )
    assert code == 0, err
    assert seen == [3, 3, 2] * 2


def test_what_does_not_go_together_is_one_sentence(
    proxflow: Any, slices: Path, tmp_path: Path, ct_scan: Any
) -> None:
    two = unet(tmp_path / "two.safetensors", 2)
    recipe = tmp_path / "ct.yaml"
    recipe.write_text(
        f"name: ct\nscan: {{kind: ct, path: {ct_scan('parallel')}}}\n"
        "reconstruct: {method: dds, n_iter: 4}\n"
        f"evaluate: {{held_out_fraction: 0}}\nruntime: {{device: cpu, store: {tmp_path}/store}}\n"
    )
    for path, change, words in (
        (
            recipe,
            f"reconstruct.prior={two}",
            "reconstruct.dds: prior must be a network of one channel for",
        ),
        (recipe, "reconstruct.axial_lam=0.01", "reconstruct.dds: axial_lam must be null where no volume"),
        (
            slices,
            "reconstruct.prior=gone.pth",
            "prior must be a name of docs/methods/dds.md or an existing",
        ),
        (slices, "reconstruct.prior=bm3d", "reconstruct.prior must "),
    ):
        code, _, err = proxflow("run", path, *settings(change), "--out", "refused")
        assert code == 2 and words in err and "Traceback" not in err, err
    code, _, err = proxflow("check", recipe, *settings(f"reconstruct.prior={two}"))
    assert code == 2 and "prior must be a network of one channel" in err, err


COARSE_CT = ("image.matrix=[64, 64]", "image.voxel_mm=1.186")
READY = {
    "mri-dds": ("zero_filled", ("reconstruct.n_iter=10",)),
    "mri-radial-dds": ("gridding", ("reconstruct.n_iter=10",)),
    "ct-dds-sparse-view": ("fbp", COARSE_CT),
    "ct-dds-limited-angle": ("fbp", COARSE_CT),
    "ct3d-dds": ("fdk", ("image.matrix=[16, 24, 24]", "image.voxel_mm=2.6", "reconstruct.n_iter=20")),
}


@pytest.mark.parametrize("name", READY)
def test_ready_recipes_predict_what_was_withheld_better_than_formulae(
    proxflow: Any, store: Path, name: str
) -> None:
    direct, changes = READY[name]
    every = (*changes, f"compare=[{{method: {direct}}}]", f"runtime.store={store}", "runtime.device=cpu")
    code, run, err = proxflow("compare", name, *settings(*every))
    assert code == 0, err
    assert np.isfinite(image(run)).all() and np.abs(image(run)).max() > 0
    figures = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]
    errors = {name: values["metrics"]["held_out_error"]["value"] for name, values in figures.items()}
    assert errors["dds"] < errors[direct] and errors["dds"] < 1

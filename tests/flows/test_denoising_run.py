"""Recipes with a diffusion network as a denoiser, and with the samplers that stand beside ``dds``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet

SLICE = """name: slice
scan: {path: 'sample://phantom-lowfield', items: [3]}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: red, n_iter: 3}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A network of complex images that finds some noise."""
    torch.manual_seed(1)
    shape = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (), head_channels=32)
    network = DiffusionUnet(shape)
    torch.nn.init.normal_(network.out[-1].weight, std=0.05)
    path = tmp_path / "two.safetensors"
    write_diffusion_weights(path, DiffusionWeights(network.state_dict(), asdict(shape)))
    return path


@pytest.mark.parametrize(
    ("method", "field"),
    [("red", "denoiser"), ("pnp_admm", "denoiser"), ("score_mri", "prior"), ("dps", "prior")],
)
def test_a_diffusion_network_stands_where_its_default_does(
    proxflow: Any, store: Path, tmp_path: Path, two: Path, method: str, field: str
) -> None:
    recipe = tmp_path / "slice.yaml"
    recipe.write_text(SLICE.replace("STORE", str(store)).replace("red", method))
    code, run, err = proxflow("run", recipe, *settings(f"reconstruct.{field}={two}"))
    assert code == 0, err
    code, other, err = proxflow("run", recipe, "--out", "other")
    assert code == 0, err
    by_network, by_default = image(run), image(other)
    assert np.isfinite(by_network).all() and np.abs(by_network).max() > 0
    assert np.abs(by_network - by_default).max() > 1e-3 * np.abs(by_default).max()


@pytest.mark.parametrize("method", ["score_mri", "dps"])
def test_a_slice_has_its_own_noise_whatever_is_solved_beside_it(
    proxflow: Any, store: Path, tmp_path: Path, method: str
) -> None:
    recipe = tmp_path / "slice.yaml"
    recipe.write_text(SLICE.replace("STORE", str(store)).replace("red", method))
    changes = settings("reconstruct.prior=fourier-wiener")
    _, alone, err = proxflow("run", recipe, *changes)
    code, both, err = proxflow("run", recipe, *changes, *settings("scan.items=[2, 3]"), "--out", "both")
    assert code == 0, err
    np.testing.assert_array_equal(image(alone)[0], image(both)[1])
    assert np.abs(image(both)[0] - image(both)[1]).max() > 0


def test_what_does_not_go_together_is_one_sentence(
    proxflow: Any, tmp_path: Path, ct_scan: Any, two: Path
) -> None:
    recipe = tmp_path / "ct.yaml"
    recipe.write_text(
        f"name: ct\nscan: {{kind: ct, path: {ct_scan('parallel')}}}\n"
        f"reconstruct: {{method: red, n_iter: 4, denoiser: {two}}}\n"
        f"evaluate: {{held_out_fraction: 0}}\nruntime: {{device: cpu, store: {tmp_path}/store}}\n"
    )
    for change, words in (
        ("reconstruct.n_cg=5", "reconstruct.red: denoiser must be a network of one channel for real"),
        ("reconstruct.denoiser=gone.pth", "denoiser must be a name of docs/denoisers.md or an existing"),
        ("reconstruct.denoiser=bm3d", "reconstruct.denoiser must "),
        (
            "reconstruct={method: dps, prior: tv}",
            "reconstruct.dps: prior must be fourier-wiener or a network",
        ),
        (
            f"reconstruct={{method: score_mri, prior: {two}}}",
            "reconstruct.score_mri: prior must be a network of",
        ),
    ):
        code, _, err = proxflow("run", recipe, *settings(change), "--out", "refused")
        assert code == 2 and words in err and "Traceback" not in err, err

"""A recipe with a denoiser in a file: its content decides what is computed, its place does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.weights.network_weights import NetworkWeights, write_weights
from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5
from proxflow.models.networks.dncnn import DnCNN

RECIPE = """name: small
scan: {kind: ct-dynamic, path: scan.h5}
reconstruct: {method: red_psm, n_iter: 2, n_functions: 2, n_knots: 3, denoiser: weights/a.safetensors}
evaluate: {held_out_fraction: 0.1}
runtime: {device: cpu, store: store}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A rod that thickens, in eight frames of three views."""
    across = np.arange(20) - 9.5
    chords = [2 * np.sqrt(np.clip((4 + 0.2 * t) ** 2 - across**2, 0, None)) for t in range(8)]
    samples = np.repeat(np.array(chords, np.float32)[None, :, None], 3, axis=2)
    angles = np.pi * np.arange(24).reshape(8, 3) / 24
    scan = DynamicSinogram(samples=samples, angles_rad=angles, labels=("rod",), column_size_mm=1.0)
    write_dynamic_sinogram_h5(tmp_path / "scan.h5", scan)
    write(tmp_path / "weights/a.safetensors", seed=0)
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE)
    return path


def write(path: Path, *, seed: int) -> None:
    path.parent.mkdir(exist_ok=True)
    torch.manual_seed(seed)
    write_weights(path, NetworkWeights(DnCNN().state_dict(), "noise", 1.0))


def cached(proxflow: Any, recipe: Path, *options: str) -> dict[str, bool]:
    code, told, err = proxflow("run", recipe, *options, "--out", "out")
    assert code == 0, err
    return {stage["name"]: stage["cached"] for stage in told["stages"]}


def test_the_weights_decide_what_is_computed(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    solved = ("reconstruct:red_psm", "hold_out:red_psm")
    first = cached(proxflow, recipe)
    assert not any(first[name] for name in solved)
    (tmp_path / "weights/a.safetensors").rename(tmp_path / "weights/b.safetensors")
    moved = cached(proxflow, recipe, "--set", f"reconstruct.denoiser={tmp_path}/weights/b.safetensors")
    assert all(moved[name] for name in solved)
    write(tmp_path / "weights/a.safetensors", seed=1)
    other = cached(proxflow, recipe)
    assert not any(other[name] for name in solved)


def test_a_missing_and_a_wrong_file_are_refused(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    for denoiser, words in (
        ("none.safetensors", "denoiser must be a name of docs/denoisers.md or an existing file, got "),
        ("scan.safetensors", "scan.safetensors must be a complete safetensors file"),
        ("bm3d", "reconstruct.denoiser must "),
    ):
        (tmp_path / "scan.safetensors").write_bytes((tmp_path / "scan.h5").read_bytes())
        code, _, err = proxflow("run", recipe, "--set", f"reconstruct.denoiser={denoiser}", "--out", "out")
        assert code == 2 and words in err and "Traceback" not in err, err
        assert not (tmp_path / "out").exists()

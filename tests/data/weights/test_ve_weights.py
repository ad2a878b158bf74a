"""Checkpoints of score networks: every layout of theirs is read, and nothing else is."""

from __future__ import annotations

import os
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.ve_weights import read_ve_weights
from proxflow.models.networks.ncsnpp import NCSNppSettings, ncsnpp_layout, ncsnpp_of

TINY = NCSNppSettings(channels=4, multipliers=(1, 2), n_blocks=1, image_size=8)
LAYOUT = ncsnpp_layout(TINY)
FROZEN, TRAINED = "all_modules.0.W", [name for name in LAYOUT if name != "all_modules.0.W"]


def drawn(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in LAYOUT.items()}


def checkpoint(
    model: dict[str, Tensor], averages: list[Any] | None, prefix: str = "module."
) -> dict[str, Any]:
    """What score_sde_pytorch writes: Adam's state first, then the rest."""
    moments = {
        i: {"step": 2, "exp_avg": torch.zeros(LAYOUT[name]), "exp_avg_sq": torch.zeros(LAYOUT[name])}
        for i, name in enumerate(TRAINED)
    }
    groups = [{"lr": 2e-4, "betas": (0.9, 0.999), "amsgrad": False, "params": list(moments)}]
    state = OrderedDict({f"{prefix}sigmas": torch.linspace(0, 1, 9, dtype=torch.float64)})
    state.update({f"{prefix}{name}": value for name, value in model.items()})
    saved = {"optimizer": {"state": moments, "param_groups": groups}, "model": state, "step": 2}
    if averages is not None:
        saved["ema"] = {"decay": 0.999, "num_updates": 2, "shadow_params": averages}
    return saved


def score(tensors: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return ncsnpp_of(tensors, TINY).score(torch.linspace(0, 1, 70).view(1, 1, 10, 7), torch.tensor([0.7]))


@pytest.mark.parametrize("layout", ["averages", "no prefix", "no averages", "bare", "bare with prefix"])
def test_every_layout_makes_the_same_network(layout: str, tmp_path: Path) -> None:
    weights, other = drawn(0), drawn(1) | {FROZEN: drawn(0)[FROZEN]}
    averages = [weights[name] for name in TRAINED]
    saved = {
        "averages": lambda: checkpoint(other, averages),
        "no prefix": lambda: checkpoint(other, averages, prefix=""),
        "no averages": lambda: checkpoint(weights, None),
        "bare": lambda: weights,
        "bare with prefix": lambda: checkpoint(weights, None)["model"],
    }[layout]()
    path = tmp_path / "checkpoint_95.pth"
    torch.save(saved, path)
    found = read_ve_weights(path, LAYOUT)
    torch.testing.assert_close(score(found), score(weights), rtol=0, atol=0)
    assert not torch.equal(score(other), score(weights))


def test_half_precision_becomes_single_and_outlives_its_file(tmp_path: Path) -> None:
    halves = {name: value.half() for name, value in drawn(0).items()}
    path = tmp_path / "a.pth"
    torch.save(checkpoint(drawn(1), [halves[name] for name in TRAINED]) | {"step": 3}, path)
    found = read_ve_weights(path, LAYOUT)
    path.write_bytes(bytes(path.stat().st_size))
    assert {value.dtype for value in found.values()} == {torch.float32}
    for name in TRAINED:
        torch.testing.assert_close(found[name], halves[name].float(), rtol=0, atol=0)
    torch.testing.assert_close(found[FROZEN], drawn(1)[FROZEN], rtol=0, atol=0)


def without(name: str) -> dict[str, Tensor]:
    return {key: value for key, value in drawn(0).items() if key != name}


AVERAGES = [drawn(0)[name] for name in TRAINED]
KERNEL = "all_modules.4.Conv_0.weight"


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        (without(KERNEL), f"a.pth must hold the {len(LAYOUT)} tensors .* network, got none named {KERNEL}"),
        (drawn(0) | {"input_blocks.0": torch.ones(2)}, "network alone, got also input_blocks.0"),
        ({"time_embed.0.bias": torch.ones(2)}, f"got none named {FROZEN}"),
        (
            drawn(0) | {KERNEL: torch.ones(8, 4, 3, 3)},
            r"a.pth: all_modules.4.Conv_0.weight must have shape \(4, 4, 3, 3\), got \(8, 4, 3, 3\)",
        ),
        (
            checkpoint(drawn(0), AVERAGES[:-1]),
            f"ema must hold {len(TRAINED)} averages .*, got {len(TRAINED) - 1}",
        ),
        (checkpoint(drawn(0), None) | {"ema": {"decay": 0.9}}, r"averages \(shadow_params\), got none"),
        (
            checkpoint(drawn(0), [AVERAGES[1], AVERAGES[0], *AVERAGES[2:]]),
            r"the average of all_modules.1.weight in ema must have shape \(16, 8\), got \(16,\)",
        ),
        (checkpoint(drawn(0), [*AVERAGES[:-1], 3.0]), f"{TRAINED[-1]} in ema must be a tensor, got float"),
        (checkpoint(drawn(0), None) | {"model": 3}, "model must hold weights by name, got int"),
        ({"optimizer": {}, "step": 3}, "optimizer must be a tensor, got dict"),
        (drawn(0) | {KERNEL: torch.full((4, 4, 3, 3), torch.nan)}, f"{KERNEL} must hold finite numbers"),
        (
            drawn(0) | {KERNEL: torch.ones(4, 4, 3, 3, dtype=torch.int8)},
            "plain array of floats, got .*torch.int8",
        ),
        (drawn(0) | {KERNEL: torch.ones(4, 4, 3, 3, device="meta")}, "plain array of floats, got .*, meta"),
        (drawn(0) | {FROZEN: torch.ones(4).to_sparse()}, "plain array of floats, got torch.sparse_coo"),
        ([torch.ones(2)], "a.pth must hold a checkpoint or a state dict, got list"),
    ],
)
def test_another_network_is_refused_with_what_differs_first(
    saved: object, words: str, tmp_path: Path
) -> None:
    torch.save(saved, tmp_path / "a.pth")
    with pytest.raises(ScanError, match=words):
        read_ve_weights(tmp_path / "a.pth", LAYOUT)


class Runs:
    """Unpickled by a careless reader, it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    target, path = tmp_path / "made", tmp_path / "a.pth"
    torch.save(drawn(0) | {"more": Runs(target)}, path)
    with pytest.raises(
        ScanError, match=r"a checkpoint or a state dict and nothing else, got what is not read: .*mkdir"
    ):
        read_ve_weights(path, LAYOUT)
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.exists()  # it would have


def test_a_missing_a_damaged_a_packed_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="prior must be an existing file of weights"):
        read_ve_weights(tmp_path / "none.pth", LAYOUT)
    path, packed = tmp_path / "a.pth", tmp_path / "b.pth"
    torch.save(drawn(0), path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    with pytest.raises(ScanError, match=r"b.pth must be an archive without compression, got .*data.pkl"):
        read_ve_weights(packed, LAYOUT)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ScanError, match=r"a.pth must be a file of torch\.save, got another kind"):
        read_ve_weights(path, LAYOUT)
    path.write_bytes(b"weights, I promise")
    with pytest.raises(ScanError, match=r"a.pth must be a file of torch\.save, got another kind"):
        read_ve_weights(path, LAYOUT)

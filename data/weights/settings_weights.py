"""Weights in files that tell the settings of their network: what the readers of several networks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import check_plain
from proxflow.data.weights.weights_file import check_numbers, read_tensors, write_tensors


@dataclass(frozen=True)
class SettingsWeights:
    """tensors: by name, float32 once read.

    settings: of the network, by the fields of its settings' class; None where the file does not tell them, so
    that names and shapes must.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] | None = None


def write_with_settings(path: Path, known: str, weights: SettingsWeights, **more: object) -> None:
    """Write them as safetensors of format ``known``: the same weights give the same bytes.

    Tensors are written in the dtype they have; in float16 a file has half the size and is read as float32.
    more: what else the file tells, by name. Raises ValueError on weights without settings, which a file of
    ours tells.
    """
    if weights.settings is None:
        raise ValueError("settings must be given for a file of weights, got none")
    told = {"format": known, "settings": dict(weights.settings), **more}
    write_tensors(path, weights.tensors, told)


def read_with_settings(path: Path, known: str, what: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``read_tensors``, as copies: the file may change, or go."""
    mapped, told = read_tensors(path, known, what)
    return {name: tensor.clone() for name, tensor in mapped.items()}, told


def plain_floats(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All of them as float32; ScanError where one is no plain array of finite floats."""
    for name, tensor in tensors.items():
        check_plain(path, name, tensor)
    check_numbers(path, tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}


def check_keys(path: Path, told: Any, names: list[str]) -> None:
    """ScanError unless the settings ``told`` are a mapping with exactly these names."""
    if not isinstance(told, dict) or told.keys() != set(names):
        got = sorted(told.keys() ^ set(names))[0] if isinstance(told, dict) else told
        raise ScanError(f"{path.name}: settings must name {', '.join(names)}, got {got} amiss")

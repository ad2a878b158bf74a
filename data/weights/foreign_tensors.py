"""Tensors of files that others wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from proxflow.data.errors import ScanError

WRAPPER = "module."  # before every name, where several devices trained
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
V = TypeVar("V")


def unwrapped(state: Mapping[str, V], prefixes: Sequence[str] = (WRAPPER,)) -> dict[str, V]:
    """``state`` by names without those of ``prefixes``, one after the other, that are before all of them."""
    names = dict(state)
    for prefix in prefixes:
        if all(name.startswith(prefix) for name in names):
            names = {name.removeprefix(prefix): value for name, value in names.items()}
    return names


def check_plain(path: Path, name: str, tensor: Tensor) -> None:
    """ScanError on what is no dense array of floats whose numbers are in the file."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in DTYPES:
        got = f"{tensor.layout}, {tensor.dtype}, {tensor.device}"
        raise ScanError(f"{path.name}: {name} must be a plain array of floats, got {got}")

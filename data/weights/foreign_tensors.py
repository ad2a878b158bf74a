"""Tensors of files that others wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from proxflow.data.errors import ScanError

WRAPPER = "module."  # before every name, where several devices trained
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
V = TypeVar("V")


def unwrapped(state: Mapping[str, V]) -> dict[str, V]:
    """``state`` by names without the ``module.`` that is before all of them, or as they are."""
    wrapped = all(name.startswith(WRAPPER) for name in state)
    return {name.removeprefix(WRAPPER) if wrapped else name: value for name, value in state.items()}


def check_plain(path: Path, name: str, tensor: Tensor) -> None:
    """ScanError on what is no dense array of floats whose numbers are in the file."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in DTYPES:
        got = f"{tensor.layout}, {tensor.dtype}, {tensor.device}"
        raise ScanError(f"{path.name}: {name} must be a plain array of floats, got {got}")

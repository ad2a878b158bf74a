"""Files of weights as all networks of ours have them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.errors import ScanError

MOST_BYTES = 64 << 20  # the largest network of ours has 5.5 MB
TOLD = "proxflow"  # the entry of the file's metadata


def write_tensors(path: Path, tensors: Mapping[str, Tensor], told: Mapping[str, object]) -> None:
    """Write them as safetensors: the same weights give the same bytes.

    told: what else a reader must know, ``format`` first.
    """
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(flat, path, {TOLD: json.dumps(told)})  # one entry: the order of several changes


def read_tensors(path: Path, known: str, what: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and what the file tells, if its format is ``known``.

    Raises ScanError on a file that is damaged or of another format; ``what``: a denoiser, say.
    """
    with _opened(path) as file:
        told = _told(file)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if told.get("format") != known:
        got = told.get("format", "none")
        raise ScanError(f"{path.name}: format must be {known}, got {got}; it is no {what} of Proxflow")
    return tensors, told


def read_foreign_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file that others wrote, as copies: the file may change, or go.

    Raises ScanError on a file that is damaged.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118


def format_of(path: Path, what: str, most_bytes: int = MOST_BYTES) -> str:
    """The format that a file of weights says it has; empty where it says none.

    Raises ScanError on a file that is missing, too large, or no safetensors file.
    """
    check_file(path, what, most_bytes)
    with _opened(path) as file:
        return str(_told(file).get("format", ""))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The safetensors file; ScanError where it is none, or what is read of it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ScanError(f"{path.name} must be a complete safetensors file, got an error: {error}") from error


def _told(file: Any) -> dict[str, Any]:
    told = json.loads((file.metadata() or {}).get(TOLD, "{}"))
    return told if isinstance(told, dict) else {}


def check_file(path: Path, what: str, most_bytes: int = MOST_BYTES) -> None:
    """ScanError if there is none, or it is larger than ``most_bytes``, too large to be weights."""
    if not path.is_file():
        raise ScanError(f"{what} must be an existing file of weights, got {path}")
    if path.stat().st_size > most_bytes:
        raise ScanError(
            f"{path.name} must be at most {most_bytes >> 20} MiB, got {path.stat().st_size} bytes"
        )


def check_numbers(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """ScanError if a tensor does not hold finite numbers."""
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise ScanError(
                f"{path.name}: {name} must hold finite numbers, got NaN, infinity or {tensor.dtype}"
            )

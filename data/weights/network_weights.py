"""Weights of denoising networks in files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.authors_module import read_authors_module

MOST_BYTES = 64 << 20  # a network of ours has 0.9 MB
FORMAT = "dncnn-1"
TOLD = "proxflow"  # the entry of the file's metadata
Predicts = Literal["noise", "image"]
PREDICTS = ("noise", "image")


@dataclass(frozen=True)
class NetworkWeights:
    """tensors: by name, as ``layers.0.weight``.

    predicts: ``noise``, D(x) = x - net(x), or ``image``, D(x) = net(x).
    peak: of objects the network was trained on.
    """

    tensors: Mapping[str, Tensor]
    predicts: Predicts
    peak: float


def read_weights(path: Path) -> NetworkWeights:
    """The weights in a .safetensors file written by ``write_weights``, or in a .pt of RED-PSM's authors.

    No code of the file is run. Raises ScanError on a file that is missing, of another kind, damaged, or holds
    NaN or infinity. Whether names and shapes fit a network is for that network to say.
    """
    if not path.is_file():
        raise ScanError(f"denoiser must be an existing file of weights, got {path}")
    if path.stat().st_size > MOST_BYTES:
        raise ScanError(
            f"{path.name} must be at most {MOST_BYTES >> 20} MiB, got {path.stat().st_size} bytes"
        )
    found = _read_authors(path) if path.suffix == ".pt" else _read_safetensors(path)
    for name, tensor in found.tensors.items():
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise ScanError(
                f"{path.name}: {name} must hold finite numbers, got NaN, infinity or {tensor.dtype}"
            )
    return found


def write_weights(path: Path, weights: NetworkWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.tensors.items()}
    told = {"format": FORMAT, "predicts": weights.predicts, "peak": weights.peak}
    save_file(tensors, path, {TOLD: json.dumps(told)})  # one entry: the order of several changes


def _read_safetensors(path: Path) -> NetworkWeights:
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {}).get(TOLD, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ScanError(f"{path.name} must be a complete safetensors file, got an error: {error}") from error
    told = told if isinstance(told, dict) else {}
    if told.get("format") != FORMAT:
        got = told.get("format", "none")
        raise ScanError(f"{path.name}: format must be {FORMAT}, got {got}; it is no denoiser of Proxflow")
    predicts, peak = told.get("predicts"), told.get("peak")
    if predicts not in PREDICTS:
        raise ScanError(f"{path.name}: predicts must be one of {', '.join(PREDICTS)}, got {predicts}")
    if not isinstance(peak, float) or not 0 < peak < math.inf:
        raise ScanError(f"{path.name}: peak must be above 0 and finite, got {peak}")
    return NetworkWeights(tensors, cast(Predicts, predicts), peak)


def _read_authors(path: Path) -> NetworkWeights:
    tensors, predicts, peak = read_authors_module(path)
    return NetworkWeights(tensors, cast(Predicts, predicts), peak)

"""Weights of denoising networks in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.authors_module import read_authors_module
from proxflow.data.weights.weights_file import check_file, check_numbers, read_tensors, write_tensors

FORMAT = "dncnn-1"
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
    check_file(path, "denoiser")
    found = _read_authors(path) if path.suffix == ".pt" else _read_safetensors(path)
    check_numbers(path, found.tensors)
    return found


def write_weights(path: Path, weights: NetworkWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes."""
    told = {"format": FORMAT, "predicts": weights.predicts, "peak": weights.peak}
    write_tensors(path, weights.tensors, told)


def _read_safetensors(path: Path) -> NetworkWeights:
    tensors, told = read_tensors(path, FORMAT, "denoiser")
    predicts, peak = told.get("predicts"), told.get("peak")
    if predicts not in PREDICTS:
        raise ScanError(f"{path.name}: predicts must be one of {', '.join(PREDICTS)}, got {predicts}")
    if not isinstance(peak, float) or not 0 < peak < math.inf:
        raise ScanError(f"{path.name}: peak must be above 0 and finite, got {peak}")
    return NetworkWeights(tensors, cast(Predicts, predicts), peak)


def _read_authors(path: Path) -> NetworkWeights:
    tensors, predicts, peak = read_authors_module(path)
    return NetworkWeights(tensors, cast(Predicts, predicts), peak)

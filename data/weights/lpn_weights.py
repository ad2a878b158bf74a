"""Weights of learned proximal networks in files: ours, and state dicts of their authors' code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.network_file import FileKind, read_network_file
from proxflow.data.weights.told_settings import as_told, check_settings
from proxflow.data.weights.weights_file import write_tensors

FORMAT = "lpn-1"
KIND = FileKind(
    FORMAT,
    "learned proximal network",
    most_bytes=256 << 20,  # the largest published network has 29 MB
    most_numbers=1 << 26,
)
SETTINGS = {
    "kind": str,
    "channels": int,
    "side": int,
    "hidden": int,
    "beta": float,
    "alpha": float,
    "signed": bool,
}
TRAINED = {
    "unit": str,
    "low": float,
    "high": float,
    "sigma": float,
    "gamma": float,
    "data": str,
    "licence": str,
}


@dataclass(frozen=True)
class LpnTrained:
    """What a learned proximal network was trained on.

    unit: what 1 is, in words, as ``attenuation relative to water``.
    low, high: values of the clean images, in that unit.
    sigma: std of their noise, in every channel.
    gamma: the last one of proximal matching, the norm over all of an image of the network's size; 0 where
        absolute errors alone were trained on.
    data, licence: which images, and what may be done with the weights, in words.
    """

    unit: str
    low: float
    high: float
    sigma: float
    gamma: float
    data: str
    licence: str


@dataclass(frozen=True)
class LpnWeights:
    """tensors: by name, as ``lin.0.weight``, float32 once read.

    settings: of the network, by the fields of ``IcnnSettings``; None where the file does not tell them, so
    that names and shapes must. trained: None where the file does not tell it.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] | None = None
    trained: LpnTrained | None = None


def write_lpn_weights(path: Path, weights: LpnWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes.

    Tensors are written in the dtype they have; in float16 a file has half the size and is read as float32.
    Raises ValueError on weights without settings or ``trained``, which a file of ours tells, and on those
    that could not be read back.
    """
    if weights.settings is None or weights.trained is None:
        raise ValueError("settings and trained must be given for a file of weights, got none")
    settings = as_told(weights.settings, SETTINGS)
    trained = as_told(asdict(weights.trained), TRAINED)
    _check_values(trained)
    write_tensors(path, weights.tensors, {"format": FORMAT, "settings": settings, "trained": trained})


def read_lpn_weights(path: Path, what: str = "prox") -> LpnWeights:
    """The weights in a .safetensors of ``write_lpn_weights``, or in a .pt or .pth that holds a state dict of
    the authors' code, which tells neither settings nor ``trained``; see ``read_network_file``.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity. Whether names and shapes fit a network, and whether weights are
    negative that must not be, is for ``icnn_of`` to say.
    """
    tensors, told = read_network_file(path, what, KIND)
    if told is None:
        return LpnWeights(tensors)
    settings, trained = told.get("settings"), told.get("trained")
    try:
        check_settings(settings, SETTINGS)
        check_settings(trained, TRAINED, "trained")
        _check_values(trained)  # type: ignore[arg-type]
    except ValueError as error:
        raise ScanError(f"{path.name}: {error}") from error
    return LpnWeights(tensors, settings, LpnTrained(**trained))  # type: ignore[arg-type]


def _check_values(trained: Mapping[str, Any]) -> None:
    low, high = trained["low"], trained["high"]
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"high must be above low, both finite, got {low:g} to {high:g}")
    if not 0 < trained["sigma"] < math.inf:
        raise ValueError(f"sigma must be positive and finite, got {trained['sigma']:g}")
    if not 0 <= trained["gamma"] < math.inf:
        raise ValueError(f"gamma must be at least 0 and finite, got {trained['gamma']:g}")

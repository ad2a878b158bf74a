"""Weights of ReconResNet in files: ours, and those its authors released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import check_plain, unwrapped
from proxflow.data.weights.told_settings import as_told, check_settings
from proxflow.data.weights.weights_file import (
    check_numbers,
    format_of,
    read_foreign_tensors,
    read_tensors,
    write_tensors,
)

FORMAT = "reconresnet-1"
MOST_BYTES = 256 << 20  # 34 blocks have 156 MiB
PREFIXES = ("module.", "model.", "net.")  # of several devices, of the released files, of checkpoints
SETTINGS = {"n_blocks": int, "width": int, "n_levels": int, "activation": str, "dropout": float, "skips": int}


@dataclass(frozen=True)
class ReconResNetWeights:
    """tensors: by name, as ``intialConv.1.weight``, float32 once read.

    settings: of the network, by the fields of ``ReconResNetSettings``; None where the file does not tell
    them, so that names and shapes must.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] | None = None


def write_reconresnet_weights(path: Path, weights: ReconResNetWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes.

    Tensors are written in the dtype they have; in float16 a file has half the size and is read as float32.
    Raises ValueError on weights without settings, which a file of ours tells, and on settings that could
    not be read back; a dropout given as a whole number becomes a float.
    """
    if weights.settings is None:
        raise ValueError("settings must be given for a file of weights, got none")
    settings = as_told(weights.settings, SETTINGS)
    write_tensors(path, weights.tensors, {"format": FORMAT, "settings": settings})


def read_reconresnet_weights(path: Path, what: str = "network") -> ReconResNetWeights:
    """The weights in a .safetensors of ``write_reconresnet_weights``, or in one of the released files.

    Those (69.1 MB, Hugging Face, soumickmj/NCC1701_ReconResNet2D_*, Apache-2.0) tell no settings. A
    ``module.``, ``model.`` or ``net.`` before all names is dropped. Numbers of any precision become float32.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity. Whether names and shapes fit a network is for ``reconresnet_of`` to
    say.
    """
    if format_of(path, what, MOST_BYTES):
        mapped, told = read_tensors(path, FORMAT, "ReconResNet")
        tensors = {name: tensor.clone() for name, tensor in mapped.items()}  # the file may change, or go
        settings = told.get("settings")
        try:
            check_settings(settings, SETTINGS)
        except ValueError as error:
            raise ScanError(f"{path.name}: {error}") from error
    else:
        tensors, settings = unwrapped(read_foreign_tensors(path), PREFIXES), None
    for name, tensor in tensors.items():
        check_plain(path, name, tensor)
    check_numbers(path, tensors)
    return ReconResNetWeights({name: tensor.float() for name, tensor in tensors.items()}, settings)

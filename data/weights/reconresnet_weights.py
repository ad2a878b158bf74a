"""Weights of networks that take artefacts out of images, in files: ours, and those ReconResNet's authors
released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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

Architecture = Literal["reconresnet", "unet"]

FORMATS: dict[str, Architecture] = {"reconresnet-1": "reconresnet", "unet2d-1": "unet"}
MOST_BYTES = 5 << 30  # 64 blocks of 1024 channels, the most that is trained, have 4.5 GiB
PREFIXES = ("module.", "model.", "net.")  # of several devices, of the released files, of checkpoints
SETTINGS: dict[Architecture, dict[str, type]] = {
    "reconresnet": {
        "n_blocks": int,
        "width": int,
        "n_levels": int,
        "activation": str,
        "dropout": float,
        "skips": int,
    },
    "unet": {"width": int, "n_levels": int, "dropout": float},
}
TRAINING = {"patterns": list, "subjects": list, "side": int, "licence": str, "half_error": float}


@dataclass(frozen=True)
class ReconResNetWeights:
    """tensors: by name, as ``intialConv.1.weight``, float32 once read.

    settings: of the network, by the fields of ``ReconResNetSettings``, or of ``UNet2dSettings`` for a U-Net
        trained the same way; None where the file does not tell them, so that names and shapes must.
    architecture: which of the two.
    training: of files that ``train-reconresnet`` leaves: ``patterns`` by name and ``subjects`` trained on,
        ``side`` of images in pixels, ``licence`` of weights and data, and ``half_error``, by how much storing
        in float16 moves the network's images (root mean square, as a part of their peak; 0 where stored in
        float32).
        Empty in other files.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] | None = None
    architecture: Architecture = "reconresnet"
    training: Mapping[str, Any] = field(default_factory=dict)


def write_reconresnet_weights(path: Path, weights: ReconResNetWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes.

    Tensors are written in the dtype they have; in float16 a file has half the size and is read as float32.
    Raises ValueError on weights without settings, which a file of ours tells, and on settings or training
    that could not be read back; see ``as_told``.
    """
    if weights.settings is None:
        raise ValueError("settings must be given for a file of weights, got none")
    known = next(name for name, architecture in FORMATS.items() if architecture == weights.architecture)
    settings = as_told(weights.settings, SETTINGS[weights.architecture])
    training = as_told(weights.training, TRAINING) if weights.training else {}
    write_tensors(path, weights.tensors, {"format": known, "settings": settings, "training": training})


def read_reconresnet_weights(path: Path, what: str = "network") -> ReconResNetWeights:
    """The weights in a .safetensors of ``write_reconresnet_weights``, or in one of the released files.

    Those (69.1 MB, Hugging Face, soumickmj/NCC1701_ReconResNet2D_*, Apache-2.0) tell no settings. A
    ``module.``, ``model.`` or ``net.`` before all names is dropped. Numbers of any precision become float32.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity. Whether names and shapes fit a network is for ``reconresnet_of`` and
    ``unet2d_of`` to say.
    """
    known = format_of(path, what, MOST_BYTES)
    if not known:
        return ReconResNetWeights(_floats(path, unwrapped(read_foreign_tensors(path), PREFIXES)))
    mapped, told = read_tensors(path, known if known in FORMATS else next(iter(FORMATS)), "ReconResNet")
    tensors = {name: tensor.clone() for name, tensor in mapped.items()}  # the file may change, or go
    architecture, settings, training = FORMATS[known], told.get("settings"), told.get("training") or {}
    try:
        check_settings(settings, SETTINGS[architecture])
        if training:
            check_settings(training, TRAINING, "training")
    except ValueError as error:
        raise ScanError(f"{path.name}: {error}") from error
    return ReconResNetWeights(_floats(path, tensors), settings, architecture, training)


def _floats(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in tensors.items():
        check_plain(path, name, tensor)
    check_numbers(path, tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}

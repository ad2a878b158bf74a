"""Weights of diffusion models in files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.network_file import FileKind, read_network_file
from proxflow.data.weights.weights_file import write_tensors

FORMAT = "diffusion-unet-1"
MOST_BYTES = 6 << 30  # the largest network of DDS has 1.4 GiB; a training keeps it, its average, two moments
KIND = FileKind(FORMAT, "diffusion model", MOST_BYTES, most_numbers=1 << 30, layers=("ema", "model"))

NUMBERS = ("in_channels", "out_channels", "width", "n_res_blocks", "head_channels")
LISTS = ("multipliers", "attention_factors")
PREDICTIONS = ("noise", "velocity")
SETTINGS = {"image_size", "predicts", *NUMBERS, *LISTS}
LARGEST = 1 << 16


@dataclass(frozen=True)
class DiffusionWeights:
    """tensors: by name, as ``input_blocks.0.0.weight``, float32.

    settings: of the network, by the fields of ``DiffusionUnetSettings``; None where the file does not tell
    them, so that names and shapes must.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] | None = None


def write_diffusion_weights(path: Path, weights: DiffusionWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes.

    Tensors are written in the dtype they have; in float16 a file has half the size and is read as float32.
    Raises ValueError on weights without settings, which a file of ours tells.
    """
    if weights.settings is None:
        raise ValueError("settings must be given for a file of weights, got none")
    write_tensors(path, weights.tensors, {"format": FORMAT, "settings": dict(weights.settings)})


def read_diffusion_weights(path: Path, what: str = "network") -> DiffusionWeights:
    """The weights in a .safetensors of ``write_diffusion_weights``, or in a .pt or .pth of ``torch.save``.

    The latter holds a state dict, ``{"state_dict": ...}``, or ``{"model": ..., "ema": ...}``, of which the
    average over the training, ``ema``, is taken; a ``module.`` before all names is dropped. No code of the
    file is run. Floating-point numbers of any precision become float32.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity. Whether names and shapes fit a network is for ``diffusion_unet_of`` to
    say.
    """
    tensors, told = read_network_file(path, what, KIND)
    return DiffusionWeights(tensors, None if told is None else _settings(path, told.get("settings")))


def _settings(path: Path, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or told.keys() != SETTINGS:
        got = sorted(told.keys() ^ SETTINGS)[0] if isinstance(told, dict) else told
        raise ScanError(f"{path.name}: settings must name {', '.join(sorted(SETTINGS))}, got {got} amiss")
    for name in NUMBERS if told["image_size"] is None else ("image_size", *NUMBERS):
        if not _is_size(told[name]):
            raise ScanError(
                f"{path.name}: {name} must be a whole number from 1 to {LARGEST}, got {told[name]}"
            )
    if told["predicts"] not in PREDICTIONS:
        raise ScanError(
            f"{path.name}: predicts must be {' or '.join(PREDICTIONS)}, got {str(told['predicts'])[:80]}"
        )
    for name in LISTS:
        if not isinstance(told[name], list) or not all(map(_is_size, told[name])):
            got = told[name]
            raise ScanError(f"{path.name}: {name} must be whole numbers from 1 to {LARGEST}, got {got}")
    return {name: tuple(value) if name in LISTS else value for name, value in told.items()}


def _is_size(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LARGEST

"""Weights of diffusion models in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import unwrapped
from proxflow.data.weights.settings_weights import (
    SettingsWeights,
    check_keys,
    plain_floats,
    read_with_settings,
    write_with_settings,
)
from proxflow.data.weights.torch_file import load_torch_file
from proxflow.data.weights.weights_file import check_file

FORMAT = "diffusion-unet-1"
SUFFIXES = (".safetensors", ".pt", ".pth")
MOST_BYTES = 6 << 30  # the largest network of DDS has 1.4 GiB; a training keeps it, its average, two moments
MOST_NUMBERS = 1 << 30  # of all tensors; a few bytes of a file can claim any size
HOLDS = "the state dict of a diffusion model"

NUMBERS = ("in_channels", "out_channels", "width", "n_res_blocks", "head_channels")
LISTS = ("multipliers", "attention_factors")
PREDICTIONS = ("noise", "velocity")
SETTINGS = {"image_size", "predicts", *NUMBERS, *LISTS}
LARGEST = 1 << 16


class DiffusionWeights(SettingsWeights):
    """Of names as ``input_blocks.0.0.weight``, and the fields of ``DiffusionUnetSettings``."""


def write_diffusion_weights(path: Path, weights: DiffusionWeights) -> None:
    """Write them as safetensors; see ``write_with_settings``."""
    write_with_settings(path, FORMAT, weights)


def read_diffusion_weights(path: Path, what: str = "network") -> DiffusionWeights:
    """The weights in a .safetensors of ``write_diffusion_weights``, or in a .pt or .pth of ``torch.save``.

    The latter holds a state dict, ``{"state_dict": ...}``, or ``{"model": ..., "ema": ...}``, of which the
    average over the training, ``ema``, is taken; a ``module.`` before all names is dropped. No code of the
    file is run. Floating-point numbers of any precision become float32.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity. Whether names and shapes fit a network is for ``diffusion_unet_of`` to
    say.
    """
    check_file(path, what, MOST_BYTES)
    if path.suffix not in SUFFIXES:
        raise ScanError(f"{path.name} must end in one of {', '.join(SUFFIXES)}, got {path.suffix or 'none'}")
    settings = None
    if path.suffix == ".safetensors":
        tensors, told = read_with_settings(path, FORMAT, "diffusion model")
        settings = _settings(path, told.get("settings"))
    else:
        tensors = _state_dict(path, load_torch_file(path, HOLDS, most_bytes=MOST_BYTES))
    count = sum(tensor.numel() for tensor in tensors.values())
    if count > MOST_NUMBERS:
        raise ScanError(f"{path.name} must hold at most {MOST_NUMBERS} numbers, got {count}")
    return DiffusionWeights(plain_floats(path, tensors), settings)


def _state_dict(path: Path, held: Any) -> dict[str, Tensor]:
    """The tensors by names without wrapper, in whichever layout ``held`` has."""
    if isinstance(held, dict):
        layers = ("state_dict",) if "state_dict" in held else ("ema", "model")
        held = next((held[key] for key in layers if held.get(key) is not None), held)
    if not isinstance(held, dict) or not held:
        raise ScanError(f"{path.name} must hold {HOLDS}, got {_kind(held)}")
    for name, tensor in held.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ScanError(
                f"{path.name} must hold tensors by name, got {_kind(tensor)} for {str(name)[:80]!r}"
            )
    return {name: tensor.detach() for name, tensor in unwrapped(held).items()}


def _kind(held: object) -> str:
    return "an empty dict" if held == {} else type(held).__name__


def _settings(path: Path, told: Any) -> dict[str, Any]:
    check_keys(path, told, sorted(SETTINGS))
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

"""Weights of networks that take artefacts out of images, in files: ours, and those ReconResNet's authors
released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import unwrapped
from proxflow.data.weights.settings_weights import (
    SettingsWeights,
    check_keys,
    plain_floats,
    read_with_settings,
    write_with_settings,
)
from proxflow.data.weights.weights_file import format_of, read_foreign_tensors

Architecture = Literal["reconresnet", "unet"]

FORMATS: dict[str, Architecture] = {"reconresnet-1": "reconresnet", "unet2d-1": "unet"}
MOST_BYTES = 256 << 20  # 34 blocks have 156 MiB
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
class ReconResNetWeights(SettingsWeights):
    """Of names as ``intialConv.1.weight``, and the fields of ``ReconResNetSettings``; or of a U-Net trained
    the same way, and the fields of ``UNet2dSettings``.

    architecture: which of the two.
    training: of files that ``train-reconresnet`` leaves: ``patterns`` by name and ``subjects`` trained on,
        ``side`` of images in pixels, ``licence`` of weights and data, and ``half_error``, by how much storing
        in float16 moves the network's images (root mean square, as a part of their peak; 0 where stored in
        float32).
        Empty in other files.
    """

    architecture: Architecture = "reconresnet"
    training: Mapping[str, Any] = field(default_factory=dict)


def write_reconresnet_weights(path: Path, weights: ReconResNetWeights) -> None:
    """Write them as safetensors; see ``write_with_settings``. A whole number for a float becomes one.

    Raises ValueError on weights without settings, and on settings or training that could not be read back.
    """
    known = next(name for name, architecture in FORMATS.items() if architecture == weights.architecture)
    kinds = SETTINGS[weights.architecture]
    if weights.settings is not None:
        settings = {name: _converted(kinds.get(name), value) for name, value in weights.settings.items()}
        weights = replace(weights, settings=settings)
    training = {name: _converted(TRAINING.get(name), value) for name, value in weights.training.items()}
    try:
        if weights.settings is not None:
            _check(path, weights.settings, kinds)
        if training:
            _check(path, training, TRAINING)
    except ScanError as error:
        raise ValueError(str(error)) from None
    write_with_settings(path, known, weights, training=training)


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
        foreign = unwrapped(read_foreign_tensors(path), PREFIXES)
        return ReconResNetWeights(plain_floats(path, foreign))
    tensors, told = read_with_settings(
        path, known if known in FORMATS else next(iter(FORMATS)), "ReconResNet"
    )
    settings, training = told.get("settings"), told.get("training") or {}
    _check(path, settings, SETTINGS[FORMATS[known]])
    if training:
        _check(path, training, TRAINING)
    return ReconResNetWeights(plain_floats(path, tensors), settings, FORMATS[known], training)


def _converted(kind: type | None, value: Any) -> Any:
    """A whole number as a float where one is wanted, a tuple as a list; no other value changes its type."""
    wanted = kind is float and type(value) is int, kind is list and isinstance(value, tuple)
    return kind(value) if kind and any(wanted) else value


def _check(path: Path, told: Any, kinds: Mapping[str, type]) -> None:
    """ScanError unless ``told`` has exactly the names and types of ``kinds``."""
    check_keys(path, told, list(kinds))
    for name, kind in kinds.items():
        if type(told[name]) is not kind:
            raise ScanError(f"{path.name}: {name} must be of type {kind.__name__}, got {told[name]!r:.80}")

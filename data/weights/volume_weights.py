"""Weights of networks for the magnitude of volumes in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

import torch
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.weights_file import check_file, check_numbers, read_tensors, write_tensors

FORMAT = "unet3d-1"
NETWORKS = ("unet3d", "deep2s")


@dataclass(frozen=True)
class VolumeWeights:
    """tensors: by name, as ``encode1.0.weight``, running statistics included.

    network: ``unet3d``, which is given a magnitude with a peak of 1 and the std of its noise, or ``deep2s``,
    which is given the magnitude of an adjoint image divided by its maximum.
    shape: voxels (z, y, x) of the scenes it was trained on.
    sigma_high: unet3d: the strongest noise it was trained on, as a part of the peak; else 0.
    frequencies, snr_db: deep2s: of the measurements it was trained on, by the array of
    ``operators/mills_cross.py``; else empty.
    """

    tensors: Mapping[str, Tensor]
    network: Literal["unet3d", "deep2s"]
    shape: tuple[int, int, int]
    sigma_high: float = 0.0
    frequencies: tuple[int, ...] = ()
    snr_db: tuple[float, ...] = ()


def write_volume_weights(path: Path, weights: VolumeWeights) -> None:
    """Write them as safetensors: the same weights give the same bytes."""
    told = {key: value for key, value in asdict(weights).items() if key != "tensors"}
    write_tensors(path, weights.tensors, {"format": FORMAT, **told})


def read_volume_weights(path: Path, what: str = "denoiser") -> VolumeWeights:
    """The weights in a .safetensors file written by ``write_volume_weights``.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN, infinity or a negative variance. Whether names and shapes fit a network is for
    ``unet3d_of`` to say.
    """
    check_file(path, what)
    tensors, told = read_tensors(path, FORMAT, what)
    counts = {name for name, tensor in tensors.items() if tensor.dtype == torch.int64}  # of batches
    check_numbers(path, {name: tensor for name, tensor in tensors.items() if name not in counts})
    for name, tensor in tensors.items():
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise ScanError(f"{path.name}: {name} must be at least 0, got {float(tensor.min()):g}")
    return VolumeWeights(tensors, *_told(path, told))


def _told(path: Path, told: Mapping[str, Any]) -> tuple[Any, ...]:
    network, shape, sigma_high = (told.get(key) for key in ("network", "shape", "sigma_high"))
    if network not in NETWORKS:
        raise ScanError(f"{path.name}: network must be one of {', '.join(NETWORKS)}, got {network}")
    if not _numbers(shape, int) or len(shape) != 3 or min(shape) < 1:
        raise ScanError(f"{path.name}: shape must be three sizes (z, y, x), got {shape}")
    if not isinstance(sigma_high, float) or not 0 <= sigma_high < math.inf:
        raise ScanError(f"{path.name}: sigma_high must be at least 0 and finite, got {sigma_high}")
    frequencies, snr_db = told.get("frequencies"), told.get("snr_db")
    if not _numbers(frequencies, int) or not _numbers(snr_db, float):
        got = f"{frequencies} and {snr_db}"
        raise ScanError(f"{path.name}: frequencies and snr_db must be lists of numbers, got {got}")
    return network, tuple(shape), sigma_high, tuple(frequencies), tuple(snr_db)


def _numbers(values: Any, kind: type) -> TypeGuard[list[Any]]:
    return isinstance(values, list) and all(type(value) is kind for value in values)

"""The denoisers published with RED-PSM: whole modules, pickled by ``torch.save``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError  # what torch raises
from typing import Any

import torch
from torch import Tensor

from proxflow.data.errors import ScanError

PEAK = 0.0718488  # of the walnut they were trained on, a constant of the authors' code
MOST_UNPACKED_BYTES = 64 << 20
PREDICTS = {"residual": "noise", "direct": "image"}
KIND = ("est_type", "noise_est_type")  # one published file has the one, one the other
N_LAYERS = 8

STOOD_FOR = (
    "red_psm_models.dncnn",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.container.ModuleList",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.activation.ReLU",
)


class _Inert:
    """Stands for every class such a file names: it takes attributes and does nothing."""


def read_authors_module(path: Path) -> tuple[dict[str, Tensor], str, float]:
    """(tensors by our names, predicts, peak) of a DnCNN of RED-PSM, without running any of the file's code.

    Torch's restricted unpickler reads it: it looks no class up by name, knows tensors, plain containers and,
    here, five names of modules, for which an inert class stands. A file that asks for anything else is
    refused.

    Raises ScanError on a file of another kind, or without eight convolutions with biases.
    """
    module = _restricted(path)
    convolutions = list(_convolutions(module))
    if len(convolutions) != N_LAYERS:
        raise ScanError(f"{path.name} must hold {N_LAYERS} convolutions with biases, got {len(convolutions)}")
    kinds = {vars(module).get(name) for name in KIND} - {None}
    if len(kinds) != 1 or not kinds <= PREDICTS.keys():
        got = ", ".join(sorted(map(repr, kinds))) or "none"
        raise ScanError(f"{path.name}: est_type must be 'residual' or 'direct', got {got}")
    tensors = {}
    for i, (weight, bias) in enumerate(convolutions):
        tensors[f"layers.{2 * i}.weight"] = weight.detach().float()  # a ReLU lies between two layers
        tensors[f"layers.{2 * i}.bias"] = bias.detach().float()
    return tensors, PREDICTS[str(kinds.pop())], PEAK


def _restricted(path: Path) -> _Inert:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST_UNPACKED_BYTES:
            raise ScanError(
                f"{path.name} must unpack to at most {MOST_UNPACKED_BYTES >> 20} MiB, got {size} bytes"
            )
        with torch.serialization.safe_globals([(_Inert, name) for name in STOOD_FOR]):
            module = torch.load(path, map_location="cpu", weights_only=True)
    except zipfile.BadZipFile as error:
        raise ScanError(f"{path.name} must be a file of torch.save, got another kind of file") from error
    except UnpicklingError as error:
        reason = str(error).partition("Please file")[0].split("\n")
        named = next((line.strip() for line in reason if "GLOBAL" in line or "nsupported" in line), "")
        raise ScanError(
            f"{path.name} must hold a DnCNN of RED-PSM and nothing else, got what is not read: {named}"
        ) from error
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError) as error:
        raise ScanError(f"{path.name} must be a complete file of torch.save, got {error}") from error
    if type(module) is not _Inert:
        raise ScanError(f"{path.name} must hold a whole module of RED-PSM, got {type(module).__name__}")
    return module


def _convolutions(module: object, depth: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """(weight, bias) of the convolutions below ``module`` in the order of its parts."""
    if type(module) is not _Inert or depth > 4:
        return
    fields: dict[str, Any] = vars(module)
    own = fields.get("_parameters")
    if (
        isinstance(own, dict)
        and isinstance(own.get("weight"), Tensor)
        and isinstance(own.get("bias"), Tensor)
    ):
        yield own["weight"], own["bias"]
    parts = fields.get("_modules")
    for part in parts.values() if isinstance(parts, dict) else ():
        yield from _convolutions(part, depth + 1)

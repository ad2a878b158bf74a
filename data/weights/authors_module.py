"""The denoisers published with RED-PSM: whole modules, pickled by ``torch.save``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.torch_file import load_torch_file

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

    Besides tensors and plain containers it may name five classes, for which an inert one stands; see
    ``load_torch_file``.

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
    stand_ins = [(_Inert, name) for name in STOOD_FOR]
    module = load_torch_file(path, "a DnCNN of RED-PSM", most_bytes=MOST_UNPACKED_BYTES, stand_ins=stand_ins)
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

"""The score networks published with score-MRI and DiffusionMBIR: checkpoints of ``torch.save``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import check_plain, unwrapped
from proxflow.data.weights.torch_file import load_torch_file
from proxflow.data.weights.weights_file import check_file, check_numbers

MOST_BYTES = 4 << 30  # weights, their averages and two moments of Adam: 983 MB in float32
FROZEN = "all_modules.0.W"  # the frequencies of ln sigma, which were not trained
NOISE_LEVELS = "sigmas"  # a buffer that networks of continuous noise levels do not use

Layout = Mapping[str, tuple[int, ...]]


def read_ve_weights(path: Path, layout: Layout) -> dict[str, Tensor]:
    """Weights of NCSN++ by name, float32, from a checkpoint of its authors or a bare state dict.

    A checkpoint (checkpoint_95.pth of score-MRI, checkpoint_185.pth of DiffusionMBIR) is

        {optimizer, model, ema: {decay, num_updates, shadow_params}, step}

    The averages of ``ema`` are taken where it has them, as its authors do: a list without names, in the order
    of the layout, without the frozen frequencies, which are those of ``model``. Torch's restricted unpickler
    reads the file, so no code of it is run.

    layout: shapes by name, in the order of the network's parameters, as of ``ncsnpp_layout``.
    Raises ScanError on a file that is missing, too large, of another kind, damaged, of a network with another
    layout, or that holds NaN or infinity.
    """
    check_file(path, "prior", MOST_BYTES)
    found = load_torch_file(path, "a checkpoint or a state dict", most_bytes=MOST_BYTES, mapped=True)
    if not isinstance(found, dict):
        raise ScanError(f"{path.name} must hold a checkpoint or a state dict, got {type(found).__name__}")
    model = _named(path, found.get("model", found))
    _check_layout(path, model, layout)
    if "model" in found and "ema" in found:
        model |= _averages(path, found["ema"], {name: layout[name] for name in layout if name != FROZEN})
    tensors = {name: model[name].detach().to(torch.float32, copy=True) for name in layout}  # off the file
    check_numbers(path, tensors)
    return tensors


def _named(path: Path, model: object) -> dict[str, Tensor]:
    """The network's state by plain names."""
    if not isinstance(model, dict):
        raise ScanError(f"{path.name}: model must hold weights by name, got {type(model).__name__}")
    named = unwrapped({str(name): value for name, value in model.items()})
    named.pop(NOISE_LEVELS, None)
    for name, value in named.items():
        _check_kept(path, name, value)
    return named


def _check_layout(path: Path, model: Mapping[str, Tensor], layout: Layout) -> None:
    """ScanError with the first name that is missing, of another shape, or too many."""
    for name, shape in layout.items():
        if name not in model:
            got = f"got none named {name}"
            raise ScanError(f"{path.name} must hold the {len(layout)} tensors of the score network, {got}")
        _check_shape(path, name, model[name], shape)
    for name in model:
        if name not in layout:
            got = f"got also {name}"
            raise ScanError(f"{path.name} must hold {len(layout)} tensors of the score network alone, {got}")


def _averages(path: Path, ema: object, trained: Layout) -> dict[str, Tensor]:
    values = ema.get("shadow_params") if isinstance(ema, dict) else None
    if not isinstance(values, list) or len(values) != len(trained):
        got = len(values) if isinstance(values, list) else "none"
        raise ScanError(f"{path.name}: ema must hold {len(trained)} averages (shadow_params), got {got}")
    for (name, shape), value in zip(trained.items(), values, strict=True):
        _check_kept(path, f"the average of {name} in ema", value)
        _check_shape(path, f"the average of {name} in ema", value, shape)
    return dict(zip(trained, values, strict=True))


def _check_kept(path: Path, name: str, value: object) -> None:
    """ScanError unless it is a tensor whose numbers are all in the file."""
    if not isinstance(value, Tensor):
        raise ScanError(f"{path.name}: {name} must be a tensor, got {type(value).__name__}")
    check_plain(path, name, value)


def _check_shape(path: Path, name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise ScanError(f"{path.name}: {name} must have shape {shape}, got {tuple(value.shape)}")

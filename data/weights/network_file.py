"""Weights of one kind of network from a file: ours, or a state dict that others saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from proxflow.data.errors import ScanError
from proxflow.data.weights.foreign_tensors import check_plain, unwrapped
from proxflow.data.weights.torch_file import load_torch_file
from proxflow.data.weights.weights_file import check_file, check_numbers, read_tensors

SUFFIXES = (".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class FileKind:
    """What a reader expects of a file.

    known: the format that a file of ours says it has.  network: of what kind it is, as ``diffusion model``.
    most_bytes, most_numbers: of all tensors; a few bytes of a file can claim any size.
    layers: under which names a dict of several things may hold the state dict, the best first.
    """

    known: str
    network: str
    most_bytes: int
    most_numbers: int
    layers: Sequence[str] = ()

    @property
    def holds(self) -> str:
        return f"the state dict of {'an' if self.network[0] in 'aeiou' else 'a'} {self.network}"


def read_network_file(
    path: Path, what: str, kind: FileKind
) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """Tensors by name, float32, and what a .safetensors of ours tells; None of a .pt or .pth of
    ``torch.save``, which tells nothing.

    The latter holds a state dict, ``{"state_dict": ...}``, or one under a name of ``kind.layers``; a
    ``module.`` before all names is dropped. No code of the file is run. Floating-point numbers of any
    precision become float32.

    ``what``: names the file in sentences. Raises ScanError on a file that is missing, of another kind,
    damaged, or holds NaN or infinity.
    """
    check_file(path, what, kind.most_bytes)
    if path.suffix not in SUFFIXES:
        raise ScanError(f"{path.name} must end in one of {', '.join(SUFFIXES)}, got {path.suffix or 'none'}")
    told = None
    if path.suffix == ".safetensors":
        mapped, told = read_tensors(path, kind.known, kind.network)
        tensors = {name: tensor.clone() for name, tensor in mapped.items()}  # the file may change, or go
    else:
        tensors = _state_dict(path, load_torch_file(path, kind.holds, most_bytes=kind.most_bytes), kind)
    _check_tensors(path, tensors, kind.most_numbers)
    check_numbers(path, tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}, told


def _state_dict(path: Path, held: Any, kind: FileKind) -> dict[str, Tensor]:
    """The tensors by names without wrapper, in whichever layout ``held`` has."""
    if isinstance(held, dict):
        layers = ("state_dict",) if "state_dict" in held else kind.layers
        held = next((held[key] for key in layers if held.get(key) is not None), held)
    if not isinstance(held, dict) or not held:
        got = "an empty dict" if held == {} else type(held).__name__
        raise ScanError(f"{path.name} must hold {kind.holds}, got {got}")
    for name, tensor in held.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            got = f"{type(tensor).__name__} for {str(name)[:80]!r}"
            raise ScanError(f"{path.name} must hold tensors by name, got {got}")
    return {name: tensor.detach() for name, tensor in unwrapped(held).items()}


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], most_numbers: int) -> None:
    """ScanError on what is no plain array of floats, or too large; a foreign file can hold such tensors."""
    for name, tensor in tensors.items():
        check_plain(path, name, tensor)
    count = sum(tensor.numel() for tensor in tensors.values())
    if count > most_numbers:
        raise ScanError(f"{path.name} must hold at most {most_numbers} numbers, got {count}")

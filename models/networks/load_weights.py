"""Weights by name into a network that has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def load_weights(network: N, tensors: Mapping[str, Tensor], *, assign: bool = False) -> N:
    """The network with these weights, in its own dtypes.

    assign: take the tensors themselves, where their dtype is right, instead of copies; the network may then
    be on the meta device. Raises ValueError where a name or a shape does not fit.
    """
    wanted = network.state_dict()
    if tensors.keys() != wanted.keys():
        wrong = sorted(tensors.keys() ^ wanted.keys())
        kind, how = type(network).__name__, "missing" if wrong[0] in wanted else "unexpected"
        raise ValueError(
            f"weights must be those of {len(wanted)} named tensors of {kind}, got {wrong[0]} {how}"
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            got = tuple(tensors[name].shape)
            raise ValueError(f"{name} must have shape {tuple(tensor.shape)}, got {got}")
    fitting = {name: tensors[name].to(tensor.dtype) for name, tensor in wanted.items()}
    network.load_state_dict(fitting, assign=assign)
    return network

"""Weights by name into a network that has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def load_weights(network: N, tensors: Mapping[str, Tensor]) -> N:
    """The network with these weights, in its own dtypes.

    Raises ValueError where a name or a shape does not fit.
    """
    wanted = network.state_dict()
    if tensors.keys() != wanted.keys():
        wrong = sorted(tensors.keys() ^ wanted.keys())
        kind = type(network).__name__
        raise ValueError(
            f"weights must be those of {len(wanted)} named tensors of {kind}, got {wrong[0]} amiss"
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            got = tuple(tensors[name].shape)
            raise ValueError(f"{name} must have shape {tuple(tensor.shape)}, got {got}")
    network.load_state_dict({name: tensors[name].to(tensor.dtype) for name, tensor in wanted.items()})
    return network

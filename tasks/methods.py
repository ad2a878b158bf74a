"""The registry that joins a method's schema (configs) with its implementation (models): one line each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxflow.models.methods.result import Reconstruction

METHODS = {
    "zero_filled": "proxflow.models.methods.zero_filled:zero_filled",
    "cg_sense": "proxflow.models.methods.cg_sense:cg_sense",
    "tv": "proxflow.models.methods.tv:tv",
    "l1_wavelet": "proxflow.models.methods.l1_wavelet:l1_wavelet",
}


def method_function(name: str) -> Callable[..., Reconstruction]:
    """The function behind a method's name; its keyword arguments are the fields of its schema."""
    module, _, function = METHODS[name].partition(":")
    return getattr(import_module(module), function)

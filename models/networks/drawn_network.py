"""Networks whose first weights a seed decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def drawn_network(make: Callable[[], N], seed: int) -> N:
    """``make()`` on the CPU, with the weights that ``seed`` draws; torch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()

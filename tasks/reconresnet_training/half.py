"""Weights in half precision, and by how much images change for it."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from proxflow.models.artefacts.training import Case
from proxflow.models.artefacts.undersampled_images import in_networks_unit


def halved(network: nn.Module) -> dict[str, Tensor]:
    """Its weights by name, float16."""
    return {name: tensor.half() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def half_error(network: nn.Module, cases: Sequence[Case]) -> float:
    """Root mean square of net_16(x) - net(x) over what the network sees in ``cases``, as a part of the peak
    of net(x); net_16 has the weights rounded to float16 and computes in float32."""
    rounded = copy.deepcopy(network)
    rounded.load_state_dict({name: tensor.float() for name, tensor in halved(network).items()})
    device = next(network.parameters()).device
    errors = []
    for case in cases:
        seen = in_networks_unit(case.operator, case.truth).seen.to(device)
        whole, half = network.eval()(seen), rounded.eval()(seen)
        errors.append(float((half - whole).square().mean() / whole.abs().max().square()))
    return math.sqrt(sum(errors) / len(errors))

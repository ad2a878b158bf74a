"""The voxels that measurements tell anything of."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator


def seen_voxels(operator: LinearOperator, like: Tensor) -> Tensor:
    """bool (*domain), voxels that A does not map to 0: ``operator.support``, or of operators that do not tell
    it where A^H A of noise is not 0, exactly, which takes one application.

    A network or a draw of noise fills what is not seen, as no measurement corrects it: coil maps are 0
    beside the object, and rays miss corners.

    like: whose dtype and device the operator is for.
    """
    if operator.support is not None:
        return operator.support
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(operator.domain_shape, generator=generator, dtype=like.dtype).to(like.device)
    seen: Tensor = operator.normal(noise) != 0
    return seen

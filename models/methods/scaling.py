"""The scale in which every method's ``lam`` is stated."""

from __future__ import annotations

import math

from torch import Tensor

from proxflow.operators.base import LinearOperator


def data_scale(operator: LinearOperator, y: Tensor) -> float:
    """s = max |A^H y|; methods are given y / s and their image is multiplied by s.

    So one ``lam`` fits scans of any receiver gain. 1.0 for data of zeros, whose image is zero in any scale.
    Raises ValueError if A^H y holds NaN or infinity.
    """
    scale = operator.adjoint(y).abs().max().item()
    if not math.isfinite(scale):
        raise ValueError(f"A^H y must be finite, got a maximum of {scale}")
    return float(scale) or 1.0

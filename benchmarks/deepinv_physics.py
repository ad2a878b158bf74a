"""deepinv's multi-coil operator, imported on a CPU build of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def deepinv_operator(mask: Tensor, coil_maps: Tensor) -> Any:
    """deepinv 0.5.0's ``MultiCoilMRI``, the same maths as ``CartesianSense``; None if not installed.

    torchvision, which deepinv imports first, has no CPU wheel on PyPI: its Python part registers shapes
    for two operators that its CUDA library would have declared. They are declared here and never called.
    """
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        return None
    except RuntimeError:
        _declare_torchvision_operators()
    from deepinv.physics import MultiCoilMRI

    return MultiCoilMRI(mask=mask.float(), coil_maps=coil_maps, img_size=(2, *mask.shape))


def _declare_torchvision_operators() -> None:
    for name in ("nms", "qnms"):
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{name}", signature)

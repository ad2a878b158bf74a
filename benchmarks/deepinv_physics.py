"""deepinv's operators, imported where deepinv is installed, on any build of torch."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch

HOW_TO_INSTALL = (
    "deepinv is not installed here, so its rows are missing: "
    "pip install --no-deps -r benchmarks/deepinv-requirements.txt (benchmarks/README.md)"
)


@lru_cache
def deepinv_physics() -> Any:
    """The module ``deepinv.physics`` (0.5.0); None if deepinv is not installed.

    torchvision, which deepinv imports first, has no CPU wheel on PyPI: its Python part registers shapes
    for two operators that its CUDA library would have declared. They are declared here and never called.
    """
    if find_spec("deepinv") is None:
        return None
    try:
        import_module("torchvision")
    except RuntimeError:
        for name in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
    return import_module("deepinv.physics")

"""The sample of dynamic CT as an operator and its projections."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.open_scan import open_scan
from proxflow.operators.frame_projections import FrameProjections


def sample_projections() -> tuple[FrameProjections, Tensor]:
    """A of ``sample://dynamic-ct-lung``, and y (frame, view, column), float64, line integrals."""
    scan = open_scan("sample://dynamic-ct-lung").read([0])
    assert isinstance(scan, DynamicSinogram) and scan.column_size_mm is not None
    y = torch.from_numpy(scan.samples[0].astype("float64"))
    n = y.shape[-1]
    operator = FrameProjections(
        (n, n), scan.angles_rad, n, pixel_size_mm=scan.column_size_mm, model="bilinear"
    )
    return operator, y

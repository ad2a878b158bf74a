"""Normalised mean squared error, of magnitudes and of complex images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from proxflow.models.metrics.compared import compared
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.value import Score


def energy_ratio(error: np.ndarray, reference: np.ndarray, region: np.ndarray) -> Score:
    """||error||^2 / ||reference||^2 over ``region``, all arrays (item, y, x)."""
    top = np.sum(np.abs(error) ** 2, axis=(-2, -1), where=region)
    return Score(top, np.sum(np.abs(reference) ** 2, axis=(-2, -1), where=region))


def nmse(image: np.ndarray, reference: np.ndarray, *, region: np.ndarray | None = None) -> Score:
    """NMSE = || |ref| - |x| ||^2 / || |ref| ||^2 over the region of the volume.

    image, reference: (item, y, x), same unit. Source: fastMRI, ``evaluate.nmse``.
    """
    x, ref = compared(image, reference)
    return energy_ratio(ref - x, ref, broadcast_region(region, ref.shape))


def nrmse_complex(image: np.ndarray, reference: np.ndarray, *, region: np.ndarray | None = None) -> Score:
    """||x - ref|| / ||ref|| of the complex images: sees phase errors, which magnitudes hide.

    image, reference: complex (item, y, x), same unit. Raises ValueError if either is real.
    """
    if not (np.iscomplexobj(image) and np.iscomplexobj(reference)):
        raise ValueError(f"image and reference must be complex, got {image.dtype} and {reference.dtype}")
    x, ref = image.astype(np.complex128), reference.astype(np.complex128)
    ratio = energy_ratio(x - ref, ref, broadcast_region(region, ref.shape))
    return replace(ratio, finish=np.sqrt)

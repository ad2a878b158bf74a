"""Readout oversampling: the wider field of view a scanner records along its readout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def centred_fft(array: NDArray, axis: int, *, inverse: bool = False) -> NDArray:
    """Centred orthonormal DFT along one axis, in the array's own precision."""
    transform = np.fft.ifft if inverse else np.fft.fft
    shifted = transform(np.fft.ifftshift(array, axes=axis), axis=axis, norm="ortho")
    return np.fft.fftshift(shifted, axes=axis).astype(array.dtype, copy=False)


def centre_crop(array: NDArray, size: int, axis: int) -> NDArray:
    """The ``size`` entries around the centre: index n // 2 goes to index size // 2."""
    start = array.shape[axis] // 2 - size // 2
    cut = [slice(None)] * array.ndim
    cut[axis] = slice(start, start + size)
    return array[tuple(cut)]


def crop_readout(samples: NDArray, size: int, axis: int) -> NDArray:
    """k-space of the central ``size`` pixels along ``axis``: F_size crop F_n^H.

    Both transforms are orthonormal, so white noise keeps its variance per sample and the image keeps
    its values. The readout must be fully sampled along ``axis``.
    """
    return centred_fft(centre_crop(centred_fft(samples, axis, inverse=True), size, axis), axis)

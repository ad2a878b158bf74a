"""What preparation does to the coils of any kind of MRI scan."""

from __future__ import annotations

from torch import Tensor

from proxflow.configs.prepare import CompressCoils
from proxflow.models.calibration.coil_compression import compression_matrix
from proxflow.models.calibration.whitening import noise_covariance, whitening_matrix
from proxflow.tasks.errors import RequestError

WHITENED = "coil noise whitened to unit variance with the scan's noise measurement"


def whitening(noise: Tensor | None) -> Tensor:
    """The matrix (coil, coil) that whitens ``noise`` (coil, n); RequestError where there is none, or too
    little of it."""
    if noise is None:
        raise RequestError("prepare whiten must have a noise measurement in the scan, got none")
    try:
        return whitening_matrix(noise_covariance(noise))
    except ValueError as error:
        raise RequestError(f"prepare whiten: {error}") from None


def compression(step: CompressCoils, samples: Tensor) -> tuple[Tensor, str]:
    """The matrix (n_coils, coil) for samples (coil, ...) given to a method, and what it does in words."""
    n_coils = len(samples)
    if step.n_coils > n_coils:
        raise RequestError(f"prepare compress_coils n_coils must be at most {n_coils}, got {step.n_coils}")
    matrix, energy = compression_matrix(samples, step.n_coils)
    return matrix, f"{n_coils} coils compressed to {step.n_coils}, {energy:.2%} of the energy kept"


def mixed_noise(matrix: Tensor, noise: Tensor | None) -> Tensor | None:
    """``noise`` (coil, n) through ``matrix``."""
    return None if noise is None else matrix.to(noise.dtype) @ noise

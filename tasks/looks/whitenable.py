"""Whether a noise measurement tells all coils apart."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.calibration.whitening import noise_covariance, whitening_matrix


def can_whiten(noise: Tensor | None) -> bool:
    """Whether the coils can be whitened with ``noise`` (coil, n); not with a dead coil or too few samples."""
    if noise is None:
        return False
    try:
        whitening_matrix(noise_covariance(noise))
    except ValueError:
        return False
    return True

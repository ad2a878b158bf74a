"""ESPIRiT: coil sensitivity maps from the fully sampled centre of k-space."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.calibration.acs import central_block, find_acs
from proxflow.models.calibration.dominant_eigenvector import dominant_eigenvector
from proxflow.models.calibration.kernel_covariance import covariance_factors, kernel_correlation

DEFAULT_ACS_WIDTH = 24  # BART's and SigPy's; more lines cost time and bring little
MAX_EMPTY = (
    0.02  # of the region's samples: simulated symmetric objects have exact zeros, a skipped line is more
)


def espirit(
    kspace: Tensor,
    *,
    acs_shape: tuple[int, int] | None = None,
    kernel_width: int = 6,
    threshold: float = 0.02,
    crop: float = 0.95,
    n_iter: int = 4096,
    chunk_bytes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Sensitivity maps S: in each pixel the eigenvector of G(y, x) with the largest eigenvalue.

    G is the image-domain coil covariance of the calibration kernels (``kernel_covariance``); where the
    pixel holds signal its largest eigenvalue is 1 and its eigenvector the coils' sensitivities. Maps have
    sum_c |S_c|^2 = 1 where that eigenvalue exceeds ``crop`` and are zero elsewhere. Their phase is
    relative to coil 0 (S_0 is real and >= 0), so the image combined with them has coil 0's phase.

    Args:
        kspace: complex (coil, ky, kx), any unit, DC at n // 2. Only the calibration region is read,
            so the rest may be undersampled.
        acs_shape: height and width of that region, centred; by default the largest centred block with
            no sample that is zero in every coil, at most 24 x 24. Up to 2 % such samples are taken for
            measured zeros in a region that is given.
        kernel_width: side of the k-space kernels, in samples.
        threshold: singular values of the calibration matrix kept, relative to the largest.
        crop: eigenvalue above which a pixel belongs to the object, 0 to 1.
        n_iter: power iterations at most, see ``dominant_eigenvector``.
        chunk_bytes: size of the block of pixels' covariances worked on at once, at least one image row;
            by default 4 MiB on a CPU (its cache) and 256 MiB on other devices.

    Returns:
        maps, complex (coil, y, x), and the largest eigenvalue, real (y, x), in kspace's precision.

    Raises ValueError for a calibration region that is too small, empty, not finite or not fully sampled.
    Source: Uecker et al., Magn. Reson. Med. 71:990 (2014). The eigenvectors come from repeated squaring;
    soft-SENSE with several sets of maps is not implemented.
    """
    acs = _calibration_region(kspace, acs_shape, kernel_width)
    n_coils, ny, nx = kspace.shape
    correlation = kernel_correlation(acs, kernel_width=kernel_width, threshold=threshold)
    left, right = covariance_factors(correlation, (ny, nx), kspace.dtype)
    maps = kspace.new_empty(ny * nx, n_coils)
    eigenvalue = maps.real.new_empty(ny * nx)
    if chunk_bytes is None:
        chunk_bytes = 2**22 if kspace.device.type == "cpu" else 2**28
    rows = max(1, chunk_bytes // (nx * n_coils**2 * kspace.element_size()))
    for start in range(0, ny, rows):
        covariance = (left[start : start + rows] @ right).view(-1, n_coils, n_coils)
        pixels = slice(start * nx, start * nx + len(covariance))
        maps[pixels], eigenvalue[pixels] = dominant_eigenvector(covariance, n_iter=n_iter)
    maps *= torch.polar(torch.ones_like(eigenvalue), -maps[:, 0].angle())[:, None]
    maps *= (eigenvalue > crop)[:, None]
    return maps.T.reshape(n_coils, ny, nx), eigenvalue.reshape(ny, nx)


def _calibration_region(kspace: Tensor, acs_shape: tuple[int, int] | None, kernel_width: int) -> Tensor:
    """The ACS block, checked."""
    if kspace.ndim != 3 or not kspace.is_complex():
        raise ValueError(
            f"kspace must be complex with axes (coil, ky, kx), "
            f"got {kspace.dtype} of shape {tuple(kspace.shape)}"
        )
    if acs_shape is None:
        height, width = find_acs((kspace != 0).any(0))
        acs_shape = min(height, DEFAULT_ACS_WIDTH), min(width, DEFAULT_ACS_WIDTH)
    height, width = acs_shape
    if min(height, width) < kernel_width:
        raise ValueError(
            f"calibration region must hold at least kernel_width x kernel_width samples "
            f"({kernel_width} x {kernel_width}), got {height} x {width}"
        )
    acs = central_block(kspace, acs_shape)
    if not torch.isfinite(acs).all():
        n_bad = int((~torch.isfinite(acs)).sum())
        raise ValueError(f"calibration region must be finite, got NaN or Inf in {n_bad} samples")
    n_empty = int((acs == 0).all(0).sum())
    if n_empty == height * width:
        raise ValueError(f"calibration region must hold signal, got {height} x {width} zeros in every coil")
    if n_empty > MAX_EMPTY * height * width:
        raise ValueError(
            f"calibration region must be fully sampled, got {n_empty} of {height * width} samples "
            f"that are zero in every coil"
        )
    return acs

"""Receiver noise: its covariance between coils, the matrix that whitens it, and its level without a scan.

Convention for complex noise n of a sample: circular Gaussian with covariance C = E[n n^H]. Whitened noise
has C = 1, so its real and imaginary parts have variance 1/2 each. Under the orthonormal Fourier transform
the standard deviation is the same per k-space sample and per pixel of the (unaccelerated) coil image.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.operators.fourier import ifft2c

CORNER = 8  # a corner is an eighth of the image wide and high
CORNER_AGREEMENT = 1.25  # largest over smallest of a coil's four corners; noise alone gave up to 1.11


def noise_covariance(noise: Tensor) -> Tensor:
    """Sample covariance C = 1/n sum_i n_i n_i^H of a noise scan, whose mean is zero by convention.

    Args:
        noise: complex (coil, sample), any unit; more samples than coils, in practice 100 times as many.

    Returns Hermitian (coil, coil) in the unit of noise squared. Raises ValueError for fewer samples than
    coils (C would be singular) or values that are not finite.
    """
    if noise.ndim != 2 or noise.shape[1] < noise.shape[0]:
        raise ValueError(
            f"noise must have axes (coil, sample) with at least as many samples as coils, "
            f"got shape {tuple(noise.shape)}"
        )
    if not torch.isfinite(noise).all():
        raise ValueError("noise must be finite, got NaN or Inf")
    wide = noise.to(torch.complex128)
    return (wide @ wide.mH / noise.shape[1]).to(noise.dtype)


def whitening_matrix(covariance: Tensor) -> Tensor:
    """W = L^-1 with C = L L^H (Cholesky, L lower triangular), so that W C W^H = 1.

    Args:
        covariance: complex Hermitian positive definite (coil, coil).

    Apply it with ``apply_coil_matrix``; data are then in units of the noise standard deviation.
    Raises ValueError if C is not Hermitian positive definite, e.g. when one coil is dead.
    """
    wide = covariance.to(torch.complex128)
    if wide.ndim != 2 or wide.shape[0] != wide.shape[1]:
        raise ValueError(f"covariance must have axes (coil, coil), got shape {tuple(wide.shape)}")
    if not torch.allclose(wide, wide.mH, rtol=0, atol=1e-5 * wide.abs().max().item()):
        raise ValueError("covariance must be Hermitian, got one that differs from its conjugate transpose")
    lower, info = torch.linalg.cholesky_ex(wide)
    # A dead coil leaves rounding noise instead of zero: judged against the coil's own share of the scale.
    pivots = lower.diagonal().real.square()
    if info.item() or pivots.min() < 1e-12 * pivots.max():
        smallest = torch.linalg.eigvalsh(wide)[0].item()
        raise ValueError(f"covariance must be positive definite, got smallest eigenvalue {smallest:.3g}")
    identity = torch.eye(len(wide), dtype=wide.dtype, device=wide.device)
    return torch.linalg.solve_triangular(lower, identity, upper=False).to(covariance.dtype)


def noise_std_from_border(kspace: Tensor, *, mask: Tensor | None = None, fraction: float = 0.1) -> Tensor:
    """Noise standard deviation per coil, sqrt(E|n|^2), from the outermost samples of k-space.

    There |n| of noise alone is Rayleigh distributed with P(|n| > t) = exp(-t^2 / std^2), hence
    std = median|n| / sqrt(ln 2); the median bears with the few samples where signal remains.

    Args:
        kspace: complex (*batch, coil, ky, kx), any unit, DC at n // 2.
        mask: bool (ky, kx), True = sampled; by default every point that is not zero in all coils and
            batch entries.
        fraction: share of the samples used, those farthest from the centre in elliptic distance
            (ky / (ny / 2))^2 + (kx / (nx / 2))^2.

    Returns real (coil,), in the unit of kspace.

    An estimate for want of a noise scan. Too high where signal still fills the outermost samples (low
    resolution, strong edges, high SNR), by 27 % on ``sample://brain-13coil``; too low where the scanner
    filtered or interpolated k-space (a zero-filled border is left out, an apodised one is not). Raises
    ValueError if fewer than 16 samples remain.
    """
    if kspace.ndim < 3 or not kspace.is_complex():
        raise ValueError(
            f"kspace must be complex with axes (..., coil, ky, kx), "
            f"got {kspace.dtype} of shape {tuple(kspace.shape)}"
        )
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], got {fraction}")
    ny, nx = kspace.shape[-2:]
    batch = kspace.reshape(-1, kspace.shape[-3], ny, nx)
    if mask is None:
        mask = (batch != 0).any(1).any(0)
    if tuple(mask.shape) != (ny, nx):
        raise ValueError(f"mask must have axes {(ny, nx)}, got shape {tuple(mask.shape)}")
    ky = (torch.arange(ny, device=kspace.device) - ny // 2) / (ny / 2)
    kx = (torch.arange(nx, device=kspace.device) - nx // 2) / (nx / 2)
    distance = (ky.square()[:, None] + kx.square())[mask]
    n_border = math.floor(fraction * len(distance))
    if n_border < 16:
        raise ValueError(f"border of k-space must hold at least 16 samples, got {n_border}")
    border = distance.topk(n_border).indices
    magnitude = batch[..., mask][..., border].abs().movedim(1, 0).flatten(1)
    return magnitude.median(dim=1).values / math.sqrt(math.log(2))


def noise_std_from_corners(kspace: Tensor) -> Tensor:
    """Noise standard deviation per coil, sqrt(E|n|^2), from the empty corners of the coil images.

    The transform being unitary, a pixel without signal holds noise of the samples' own deviation, and
    std = median|n| / sqrt(ln 2) as in ``noise_std_from_border``. The figure is the median of the four
    corners, each an eighth of the image wide and high.

    Args:
        kspace: complex (coil, ky, kx), any unit, DC at n // 2, every sample measured: what is missing
            would fold signal into the corners, or dilute the noise.

    Returns real (coil,), in the unit of kspace. On ``sample://brain-13coil`` the border of k-space gives 27 %
    more (root mean square over the coils; 3 to 67 % by coil), on ``sample://phantom-2coil`` 4 % more.

    Raises ValueError where a corner has fewer than 16 pixels, or the four corners of a coil differ by more
    than a factor of 1.25: they then hold signal, ghosts or a filter's roll-off, and not noise alone. Even
    signal in all four goes unnoticed.
    """
    if kspace.ndim != 3 or not kspace.is_complex():
        raise ValueError(
            f"kspace must be complex with axes (coil, ky, kx), "
            f"got {kspace.dtype} of shape {tuple(kspace.shape)}"
        )
    ny, nx = kspace.shape[-2:]
    height, width = ny // CORNER, nx // CORNER
    if height * width < 16:
        raise ValueError(f"corner of the image must hold at least 16 pixels, got {height} x {width}")
    magnitude = ifft2c(kspace).abs()
    blocks = [
        magnitude[:, rows, columns].flatten(1)
        for rows in (slice(height), slice(ny - height, ny))
        for columns in (slice(width), slice(nx - width, nx))
    ]
    corners = torch.stack(blocks).median(dim=2).values / math.sqrt(math.log(2))
    lowest, highest = corners.amin(0), corners.amax(0)
    if not bool((highest <= CORNER_AGREEMENT * lowest).all()) or not bool((lowest > 0).all()):
        worst = (highest / lowest.clamp_min(torch.finfo(lowest.dtype).tiny)).max().item()
        raise ValueError(
            f"corners of a coil image must agree within a factor of {CORNER_AGREEMENT}, got {worst:.3g}"
        )
    return corners.quantile(0.5, dim=0)

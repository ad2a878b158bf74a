"""Weights that make up for uneven sampling of k-space: the area of it that each sample stands for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.nufft import Nufft
from proxflow.operators.sense_checks import check_trajectory

SAME_ANGLE_RAD = 1e-5  # spokes nearer than that are one spoke measured repeatedly


def radial_density(trajectory: Tensor) -> Tensor:
    """Area of k-space for which each sample of straight spokes stands, float64 (spoke, readout).

        w = D_s |r| dr,   at the centre  w = D_s dr^2 / 6

    D_s is half the angle between the neighbours of spoke s on either side (spokes in any order), dr the
    distance between samples. The centre's weight is that of the Euler-Maclaurin formula for the kink of |r|:
    the area of the disc of radius dr/2 would be D_s dr^2 / 4, but the sums over the samples beside it
    overestimate, and the image would gain a constant background. Where the centre lies a fraction t between
    two samples, the weights |r| dr of these two share dr^2 B_2(t), B_2(t) = t^2 - t + 1/6. Spokes measured
    repeatedly share their angle. Where all spokes start at the centre angles count modulo 2 pi, else
    modulo pi.

    trajectory: float (spoke, readout, 2) in cycles per field of view, at least two samples a spoke, each
    spoke a line through the centre, from it or about as far to both sides. w is in (cycles per field of
    view)^2: A of ``NonCartesianSense`` with these weights has A^H A near the identity where k-space is
    sampled densely, and gridding gives the image in its own unit.

    Raises ValueError if the trajectory has another shape, is not finite or not of straight spokes.
    """
    k = trajectory.detach().to("cpu", torch.float64).numpy()
    if k.ndim != 3 or k.shape[2] != 2 or k.shape[0] < 1 or k.shape[1] < 2:
        raise ValueError(f"trajectory must have shape (spoke, readout, 2), got {tuple(trajectory.shape)}")
    if not np.isfinite(k).all():
        raise ValueError(f"trajectory must be finite, got {int((~np.isfinite(k)).sum())} that are not")
    radius, direction = _radii(k)
    one_sided = bool((radius[:, 0] > -0.25 * np.diff(radius).min(axis=1)).all())
    if not one_sided and (np.minimum(-radius[:, 0], radius[:, -1]) < 0.8 * radius[:, -1].max()).any():
        raise ValueError(
            "spokes must start at the centre of k-space or reach equally far to both sides, "
            f"got one from {radius[:, 0].max():.3g} to {radius[:, -1].max():.3g} cycles per field of view"
        )
    shares = _angular_shares(np.arctan2(direction[:, 0], direction[:, 1]), 2 * np.pi if one_sided else np.pi)
    return torch.from_numpy(shares[:, None] * _ramp(radius, one_sided))


def _radii(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples' positions along their spokes (spoke, readout), and the unit directions (spoke, 2)."""
    along = k[:, -1] - k[:, 0]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    direction = along / np.where(length > 0, length, 1)
    radius = np.einsum("sri,si->sr", k, direction)
    off_line = np.linalg.norm(k - radius[..., None] * direction[:, None], axis=2)
    # A spoke that misses the centre by more than two of its steps is not a radial one with gradient delays.
    if (np.diff(radius) <= 0).any() or (off_line > 2 * length / (k.shape[1] - 1)).any():
        raise ValueError(
            "trajectory must hold straight spokes through the centre of k-space, "
            f"got samples {off_line.max():.3g} cycles per field of view beside them"
        )
    return radius, direction


def _ramp(radius: np.ndarray, one_sided: bool) -> np.ndarray:
    """Weights of a sum over the samples that stands for the integral of |r| f(r) dr, (spoke, readout)."""
    steps = np.diff(radius)
    ends = steps[:, :1], steps[:, -1:]
    ramp = (
        np.abs(radius)
        * 0.5
        * np.concatenate([ends[0] + ends[0], steps[:, 1:] + steps[:, :-1], ends[1] * 2], 1)
    )
    spokes = np.arange(len(radius))
    if one_sided:
        t = (radius[:, 0] / steps[:, 0]).clip(0, 1)
        ramp[:, 0] += 0.5 * steps[:, 0] ** 2 * (t * t - t + 1 / 6)
        return ramp
    before = (np.sum(radius <= 0, axis=1) - 1).clip(0, radius.shape[1] - 2)
    step = steps[spokes, before]
    t = (-radius[spokes, before] / step).clip(0, 1)
    kink = step**2 * (t * t - t + 1 / 6)
    ramp[spokes, before] += (1 - t) * kink
    ramp[spokes, before + 1] += t * kink
    return ramp


def _angular_shares(angles: np.ndarray, period: float) -> np.ndarray:
    """Half the distance between the neighbours of each angle on the circle of the period; sum = period."""
    wrapped = np.mod(angles, period)
    order = np.argsort(wrapped, kind="stable")
    gaps = np.diff(wrapped[order], append=wrapped[order[0]] + period)  # to the next one
    new = np.roll(gaps > SAME_ANGLE_RAD, 1)  # whether a place differs from the one before
    new[0] |= not new.any()
    group = np.mod(np.cumsum(new) - 1, new.sum())  # places before the first new one belong to the last group
    group_gaps = np.bincount(group, weights=gaps)
    shares = 0.5 * (group_gaps + np.roll(group_gaps, 1)) / np.bincount(group)
    result = np.empty_like(wrapped)
    result[order] = shares[group]
    return result


def pipe_menon_density(trajectory: Tensor, shape: Sequence[int], n_iter: int = 30) -> Tensor:
    """Area of k-space for which each sample of any trajectory stands, float64, by fixed-point iteration.

        w <- w / (C w),   (C w)_m = sum_j c(k_m - k_j) w_j

    c is positive, of integral one, and its transform falls from one at the centre to zero at twice the
    field of view (the autocorrelation of the ellipse in it), so that at the fixed point the point spread
    function is a delta within the field of view, where sampling allows. C is an adjoint and a forward NUFFT
    on a grid of twice the field of view.

    shape: (ny, nx) of the image.
    trajectory: float (..., 2) in cycles per field of view, (ky, kx); the result has its leading axes.
    w is in (cycles per field of view)^2, see ``radial_density``; at the rim of k-space, where half of c
    finds no samples, it is up to twice the area.

    Raises ValueError as ``NonCartesianSense`` does for the trajectory, or if ``n_iter`` is below one.
    Source: Pipe & Menon, Magn. Reson. Med. 41:179 (1999); the kernel of Johnson & Pipe, Magn. Reson. Med.
    61:439 (2009).
    """
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    points = trajectory.detach().reshape(-1, trajectory.shape[-1])
    ny, nx = shape
    check_trajectory(points, (ny, nx))
    sizes = torch.tensor([ny, nx], dtype=torch.float64)
    radians = points.to("cpu", torch.float64) * (2 * torch.pi / sizes)
    nufft = Nufft(radians, (2 * ny, 2 * nx), tolerance=1e-6)
    window = _disc_autocorrelation((ny, nx)) / (ny * nx)
    w = torch.ones(len(points), dtype=torch.complex128)
    for _ in range(n_iter):
        smoothed = nufft.forward(nufft.adjoint(w[None]) * window)[0].real
        # In exact arithmetic C w >= c(0) w > 0; the NUFFT's error may hide that of a very small weight.
        w = w / smoothed.clamp_min(1e-6 * float(smoothed.max()))
    return w.real.reshape(trajectory.shape[:-1])


def _disc_autocorrelation(shape: tuple[int, int]) -> Tensor:
    """Overlap of the ellipse inscribed in the field of view with itself, shifted; (2 ny, 2 nx), one at 0."""
    y, x = (torch.arange(-n, n, dtype=torch.float64) / n for n in shape)
    s = torch.sqrt(y[:, None] ** 2 + x**2).clamp_max(1)  # shift in diameters
    return 2 / torch.pi * (torch.acos(s) - s * torch.sqrt(1 - s * s))

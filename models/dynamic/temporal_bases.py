"""Fixed temporal bases U: the temporal functions of a dynamic image are U Z, with few unknowns Z."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

BasisKind = Literal["spline", "dct", "free", "linear"]


def temporal_basis(
    kind: BasisKind, n_frames: int, n_knots: int, *, dtype: torch.dtype = torch.float64
) -> Tensor:
    """U, (T, d), such that the temporal functions are Psi = U Z for the unknown Z (d, functions).

    ``spline`` and ``linear`` interpolate values z at d knots. Knots and frames are both uniform on [0, 1],
    ends included; with knot spacing h, tau = (t - t_i) / h and tangents by finite differences,
    m_0 = (z_1 - z_0) / h, m_i = (z_{i+1} - z_{i-1}) / 2h, m_{d-1} = (z_{d-1} - z_{d-2}) / h:

        spline:  psi(t) = (1 - 3 tau^2 + 2 tau^3) z_i     + (tau - 2 tau^2 + tau^3) h m_i
                        + (3 tau^2 - 2 tau^3)     z_{i+1} + (tau^3 - tau^2)         h m_{i+1}
        linear:  psi(t) = (1 - tau) z_i + tau z_{i+1}

    Their rows sum to 1, they reproduce linear functions, and d = T is the identity; one knot is a constant.
    ``dct`` has the d lowest columns of the orthonormal DCT-II, ``free`` is the identity (T, T): one unknown
    per frame, whatever ``n_knots`` is.

    Raises ValueError unless 1 <= n_knots <= n_frames.
    Source: Iskender, Klasky & Bresler, IEEE Trans. Comput. Imaging 10:832 (2024), and its code: a cubic
    Hermite (Catmull-Rom) spline, neither natural nor a B-spline. The DCT is of their later RSR-NF (2025).
    """
    if n_frames < 1:
        raise ValueError(f"n_frames must be at least 1, got {n_frames}")
    if kind == "free":
        return torch.eye(n_frames, dtype=dtype)
    if not 1 <= n_knots <= n_frames:
        raise ValueError(f"n_knots must be in 1 .. {n_frames}, the number of frames, got {n_knots}")
    if kind == "dct":
        return _cosines(n_frames, n_knots).to(dtype)
    if n_knots == 1:
        return torch.ones(n_frames, 1, dtype=dtype)
    if kind == "linear":
        return _linear(n_frames, n_knots).to(dtype)
    if kind == "spline":
        return _hermite(n_frames, n_knots).to(dtype)
    raise ValueError(f"kind must be spline, dct, free or linear, got {kind}")


def _cosines(n_frames: int, n_functions: int) -> Tensor:
    """U[t, k] = c_k cos(pi k (2 t + 1) / 2 T), c_0 = sqrt(1 / T), c_k = sqrt(2 / T): orthonormal columns."""
    angles = torch.outer(2 * torch.arange(n_frames) + 1, torch.arange(n_functions)).double()
    columns = torch.cos(angles * (math.pi / (2 * n_frames))) * math.sqrt(2 / n_frames)
    columns[:, 0] = math.sqrt(1 / n_frames)
    return columns


def _intervals(n_frames: int, n_knots: int) -> tuple[Tensor, Tensor]:
    """The interval i of each frame, and tau in it; in whole numbers, so that at knots it is exact."""
    position, unit = torch.arange(n_frames) * (n_knots - 1), max(n_frames - 1, 1)
    interval = (position // unit).clamp_max(n_knots - 2)
    return interval, (position - interval * unit).double() / unit


def _linear(n_frames: int, n_knots: int) -> Tensor:
    interval, tau = _intervals(n_frames, n_knots)
    basis, frames = torch.zeros(n_frames, n_knots, dtype=torch.float64), torch.arange(n_frames)
    basis[frames, interval] = 1 - tau
    basis[frames, interval + 1] = tau
    return basis


def _hermite(n_frames: int, n_knots: int) -> Tensor:
    interval, tau = _intervals(n_frames, n_knots)
    values = torch.eye(n_knots, dtype=torch.float64)
    tangents = torch.empty_like(values)  # h m_i, as a linear function of z
    tangents[0], tangents[-1] = values[1] - values[0], values[-1] - values[-2]
    tangents[1:-1] = (values[2:] - values[:-2]) / 2
    square, cube = (tau**2)[:, None], (tau**3)[:, None]
    return (
        (1 - 3 * square + 2 * cube) * values[interval]
        + (tau[:, None] - 2 * square + cube) * tangents[interval]
        + (3 * square - 2 * cube) * values[interval + 1]
        + (cube - square) * tangents[interval + 1]
    )

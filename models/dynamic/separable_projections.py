"""Projections of a changing object as sums of products: of detector, angle and time (ProSep's model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

STATIC_WEIGHT = 0.1  # w_0 of the penalty
LOWEST_WEIGHT = 0.1  # of n = 0 in the penalty, beside n: no more than it takes to be invertible


@dataclass(frozen=True)
class SparseViews:
    """The views of a series that were measured, in any order.

    angles_rad: float64 (view,).  samples: real float64 (view, column), about the axis of rotation: column c
    and column C - 1 - c lie equally far from it.  time_basis: U at the frame of each view, float64 (view, d).
    """

    angles_rad: Tensor
    samples: Tensor
    time_basis: Tensor

    def __len__(self) -> int:
        return len(self.angles_rad)

    def at(self, index: Tensor) -> SparseViews:
        """Only the views of ``index``."""
        return SparseViews(self.angles_rad[index], self.samples[index], self.time_basis[index])


@dataclass(frozen=True)
class SeparableProjections:
    """g(s, a, t) = sum_k sum_n eta[k, n](s) c_n(a) psi_k(t), psi = U Z, with the ``harmonics`` c_n up to N.

    knots: Z, float64 (d, function).  coefficients: eta, float64 (function, 2 N + 1, column).

    Source: Iskender, Klasky & Bresler, ProSep, IVMSP (2022), there with complex exponentials; for real
    projections the two are one, since the best complex ones are real.
    """

    knots: Tensor
    coefficients: Tensor

    @property
    def n_harmonics(self) -> int:
        """N."""
        return self.coefficients.shape[1] // 2

    def sinograms(self, angles_rad: Tensor) -> Tensor:
        """One sinogram per temporal function, (function, angle, column)."""
        return harmonics(angles_rad, self.n_harmonics) @ self.coefficients

    def predict(self, views: SparseViews) -> Tensor:
        """The samples (view, column) of these views."""
        psi = views.time_basis @ self.knots
        return torch.einsum("vk,kvc->vc", psi, self.sinograms(views.angles_rad))


class FittedPoint(NamedTuple):
    """Functions Z, J(Z), and of either parity the coefficients, the residual and the orthonormal factor."""

    knots: Tensor
    objective: float
    parts: list[tuple[Tensor, Tensor, Tensor]]


class SeparableFit:
    """The best coefficients for given temporal functions, and how the misfit changes with these.

    One view tells of two: g(s, a + pi) = g(-s, a). So the part of the samples even in s has even n alone and
    the odd part odd n: two real least-squares problems of V views stand for the complex one of 2 V,

        J(Z) = min_eta sum_parity ||Phi eta - G||^2 + V ridge sum_kn (w_k n)^2 ||eta_kn||^2
        Phi[v, (k, n)] = psi_k(t_v) c_n(a_v),   w_0 = 0.1, w_k = 1 for k > 0

    each by QR of [Phi; sqrt(V ridge) w n], where 0.1 stands for n = 0. With psi of mean square 1, entries of
    Phi are about 1. The penalty is one on d g / d a: of two harmonics that explain the views alike, the lower
    one is believed; and of two functions the first, which is to be constant in time: what rests is known
    from all views, and has most of the energy.

    Args:
        views: what is fitted; n_harmonics: N; ridge: > 0.
    """

    def __init__(self, views: SparseViews, n_harmonics: int, ridge: float) -> None:
        self.views, self.n_harmonics = views, n_harmonics
        order = (torch.arange(2 * n_harmonics + 1, device=views.angles_rad.device) + 1) // 2
        self.parity = order % 2
        self.weight = (len(views) * ridge) ** 0.5 * order.to(views.samples).clamp_min(LOWEST_WEIGHT)
        self.angular = harmonics(views.angles_rad, n_harmonics)
        flipped = views.samples.flip(-1)
        self.parts = [(views.samples + flipped) / 2, (views.samples - flipped) / 2]

    def at(self, knots: Tensor) -> FittedPoint:
        """J(Z), and what its derivatives need."""
        psi = self.views.time_basis @ knots
        parts = [self._least_squares(psi, parity, part) for parity, part in enumerate(self.parts)]
        objective = 0.0
        for parity, (coefficients, residual, _) in enumerate(parts):
            penalty = self._weights(psi.shape[1], parity)[:, None] * coefficients
            objective += float(residual.square().sum() + penalty.square().sum())
        return FittedPoint(knots, objective, parts)

    def projections(self, point: FittedPoint) -> SeparableProjections:
        """Those that attain J(Z)."""
        n_functions, n_columns = point.knots.shape[1], self.views.samples.shape[1]
        eta = point.knots.new_zeros(n_functions, 2 * self.n_harmonics + 1, n_columns)
        for parity, (coefficients, _, _) in enumerate(point.parts):
            eta[:, self.parity == parity] = coefficients.unflatten(0, (n_functions, -1))
        return SeparableProjections(point.knots, eta)

    def gradient(self, point: FittedPoint) -> Tensor:
        """Of J(Z) / 2, (d, function). At the best eta it is that for constant eta,

        -U^T sum_s (G - Phi eta)[v, s] H_k[v, s],   H_k = sum_n c_n(a_v) eta[k, n](s).
        """
        basis, gradient = self.views.time_basis, torch.zeros_like(point.knots)
        for parity, (coefficients, residual, _) in enumerate(point.parts):
            gradient -= basis.T @ torch.einsum("vs,kvs->vk", residual, self._shares(coefficients, parity))
        return gradient

    def curvature(self, point: FittedPoint) -> Tensor:
        """The Gauss-Newton matrix of J(Z) / 2, (d, function, d, function).

        With Kaufman's approximation of the Jacobian it is  U^T ((I - Q Q^T) * H_k H_l^T) U,  * by elements,
        Q the orthonormal factor and H_k as in ``gradient``.
        Source: Golub & Pereyra, Inverse Problems 19:R1 (2003); Kaufman, BIT 15:49 (1975).
        """
        basis, n_functions = self.views.time_basis, point.knots.shape[1]
        matrix = point.knots.new_zeros(*point.knots.shape, *point.knots.shape)
        for parity, (coefficients, _, q) in enumerate(point.parts):
            shares = self._shares(coefficients, parity)
            free = torch.eye(len(basis), dtype=q.dtype, device=q.device) - q @ q.T
            for k in range(n_functions):
                for other in range(k + 1):
                    block = basis.T @ (free * (shares[k] @ shares[other].T)) @ basis
                    matrix[:, k, :, other] += block
                    if other != k:
                        matrix[:, other, :, k] += block.T
        return matrix

    def _shares(self, coefficients: Tensor, parity: int) -> Tensor:
        """H_k, (function, view, column)."""
        here = self.parity == parity
        return self.angular[:, here] @ coefficients.unflatten(0, (-1, int(here.sum())))

    def _weights(self, n_functions: int, parity: int) -> Tensor:
        """sqrt(V ridge) w_k n, (function * n)."""
        here = self.weight[self.parity == parity]
        return torch.cat([STATIC_WEIGHT * here, here.repeat(n_functions - 1)])

    def _least_squares(self, psi: Tensor, parity: int, part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """eta (function * n, column), the residual and Q (view, function * n), of one parity."""
        angular = self.angular[:, self.parity == parity]
        phi = (psi[:, :, None] * angular[:, None, :]).flatten(1)
        penalty = torch.diag(self._weights(psi.shape[1], parity))
        q, r = torch.linalg.qr(torch.cat([phi, penalty]))
        q = q[: len(phi)]
        eta = torch.linalg.solve_triangular(r, q.T @ part, upper=True)
        return eta, part - phi @ eta, q


def harmonics(angles_rad: Tensor, n_harmonics: int) -> Tensor:
    """1, sqrt 2 cos a, sqrt 2 sin a, ..., sqrt 2 cos N a, sqrt 2 sin N a: (angle, 2 N + 1)."""
    orders = torch.arange(1, n_harmonics + 1, dtype=angles_rad.dtype, device=angles_rad.device)
    phases = angles_rad[:, None] * orders
    waves = torch.stack([phases.cos(), phases.sin()], dim=-1).flatten(1) * 2**0.5
    return torch.cat([torch.ones_like(angles_rad)[:, None], waves], dim=1)

"""The smooth part of the bilinear problem of a partially separable series, and its exact derivatives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import squared_norm
from proxflow.operators.frame_operator import FrameOperator

MEMORY_BYTES = 2**28


class Factors(NamedTuple):
    """Lambda and Z of the series f_t = sum_k Psi[t, k] Lambda[k], Psi = U Z; of one dtype."""

    spatial: Tensor  # (r, *domain)
    knots: Tensor  # (d, r)


class Slope(NamedTuple):
    """Derivatives of J at some factors, as autograd has them: by the real plus i by the imaginary part."""

    spatial: Tensor
    knots: Tensor
    value: float  # J


@dataclass(frozen=True)
class FactorProblem:
    """J(L, Z) = w ||A L Psi^T - y||^2 + xi ||Psi||^2 + chi ||L||^2 + beta/2 ||L Psi^T - v||^2,  Psi = U Z.

    Attributes:
        operator: A, of the views given to the solver.  y: (T, *range), zero in all others.
        basis: U, real (T, d).
        support: bool (*domain), where L may differ from zero (the field of view); None is everywhere.
        data_weight: w; None is 1 / T.
        memory_bytes: of the frames and measurements formed at once; one frame is always formed.

    v, (T, *domain), is an argument: f - gamma of the ADMM.
    Source: spec equations (7), (9), (10); the gradients are (13) and (14).
    """

    operator: FrameOperator
    y: Tensor
    basis: Tensor
    beta: float
    xi: float = 0.0
    chi: float = 0.0
    support: Tensor | None = None
    data_weight: float | None = None
    memory_bytes: int = MEMORY_BYTES

    @property
    def weight(self) -> float:
        return 1 / self.operator.n_frames if self.data_weight is None else self.data_weight

    def functions(self, knots: Tensor) -> Tensor:
        """Psi = U Z, (T, r)."""
        return self.basis.to(knots.dtype) @ knots

    def series(self, factors: Factors, frames: slice = slice(None)) -> Tensor:
        """L Psi^T at these frames."""
        return frames_of(factors.spatial, self.functions(factors.knots), frames)

    def pieces(self, images: int = 2, ranges: int = 2) -> Iterator[slice]:
        """Runs of frames of which ``images`` images and ``ranges`` measurements each fit the memory."""
        per_frame = images * math.prod(self.operator.frame_domain)
        per_frame += ranges * math.prod(self.operator.frame_range)
        itemsize = torch.promote_types(self.y.dtype, self.basis.dtype).itemsize
        step = max(1, self.memory_bytes // (per_frame * itemsize))
        for start in range(0, self.operator.n_frames, step):
            yield slice(start, min(start + step, self.operator.n_frames))

    def masked(self, spatial: Tensor) -> Tensor:
        """L, zero outside the field of view."""
        return spatial if self.support is None else spatial * self.support

    def slope(self, factors: Factors, v: Tensor) -> Slope:
        """J and its gradients, in one pass over the frames: A and A^H once each.

        With G_t = 2 w A_t^H (A_t x_t - y_t) + beta (x_t - v_t), x = L Psi^T:
        dJ/dL = mask * (Psi^H G) + 2 chi L,   dJ/dZ = U^T (G L^H + 2 xi Psi).
        """
        psi = self.functions(factors.knots)
        flat = factors.spatial.flatten(1)
        by_spatial, by_psi = torch.zeros_like(flat), 2 * self.xi * psi
        misfit = coupling = 0.0
        for frames in self.pieces():
            x = frames_of(factors.spatial, psi, frames)
            residual = self.operator.forward_of(x, frames) - self.y[frames]
            misfit += float(squared_norm(residual, residual.ndim))
            gradient = 2 * self.weight * self.operator.adjoint_of(residual, frames)
            if self.beta:
                x = x - v[frames]
                coupling += float(squared_norm(x, x.ndim))
                gradient = gradient + self.beta * x
            gradient = gradient.flatten(1)
            by_spatial = by_spatial + psi[frames].mH @ gradient
            by_psi[frames] += gradient @ flat.mH
        penalty = self.penalty(factors, psi)
        return Slope(
            self.masked(by_spatial.reshape(factors.spatial.shape)) + 2 * self.chi * factors.spatial,
            self.basis.to(by_psi.dtype).mT @ by_psi,
            self.weight * misfit + self.beta / 2 * coupling + penalty,
        )

    def penalty(self, factors: Factors, psi: Tensor) -> float:
        """xi ||Psi||^2 + chi ||L||^2."""
        spatial = factors.spatial
        return float(self.xi * squared_norm(psi, 2) + self.chi * squared_norm(spatial, spatial.ndim))

    def misfit(self, factors: Factors) -> float:
        """||A L Psi^T - y||^2, one forward pass."""
        psi, total = self.functions(factors.knots), 0.0
        for frames in self.pieces():
            x = frames_of(factors.spatial, psi, frames)
            residual = self.operator.forward_of(x, frames) - self.y[frames]
            total += float(squared_norm(residual, residual.ndim))
        return total

    def spatial_normal(self, direction: Tensor, psi: Tensor) -> Tensor:
        """The Hessian of J in L at this Psi, applied: mask (2 w Psi^H A^H A Psi + beta Psi^H Psi + 2 chi)."""
        found = self.beta * (psi.mH @ psi) @ direction.flatten(1)
        for frames in self.pieces():
            x = frames_of(direction, psi, frames)
            x = self.operator.normal_of(x, frames).flatten(1)
            found = found + 2 * self.weight * (psi[frames].mH @ x)
        return self.masked(found.reshape(direction.shape)) + 2 * self.chi * direction

    def knot_system(self, spatial: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """N, b with J(L, Z) = vec(Z)^H N vec(Z) - 2 Re vec(Z)^H b + constant, in double precision.

        N is (d r, d r), b (d r,), for Z in the order of its rows: from the responses A_t L_k of every frame
        to every spatial function, r forward passes and no adjoint.
        """
        rank, flat = len(spatial), spatial.flatten(1)
        wide = torch.promote_types(spatial.dtype, torch.float64)
        coupling = self.beta / 2 * (flat.conj() @ flat.mT).to(wide)
        coupling = coupling + self.xi * torch.eye(rank, dtype=wide, device=spatial.device)
        basis = self.basis.to(wide)
        n_knots = basis.shape[1]
        normal = torch.zeros(n_knots, n_knots, rank, rank, dtype=wide, device=spatial.device)
        right = torch.zeros(n_knots, rank, dtype=wide, device=spatial.device)
        for frames in self.pieces(images=1, ranges=rank):
            response = self._responses(spatial, frames).to(wide)
            gram = self.weight * (response.conj() @ response.mT) + coupling
            data = (response.conj() @ self.y[frames].flatten(1).to(wide)[..., None])[..., 0] * self.weight
            if self.beta:
                data = data + self.beta / 2 * (v[frames].flatten(1) @ flat.mH).to(wide)
            normal = normal + torch.einsum("ti,tj,tkl->ijkl", basis[frames], basis[frames], gram)
            right = right + basis[frames].mT @ data
        return normal.transpose(1, 2).reshape(n_knots * rank, n_knots * rank), right.flatten()

    def _responses(self, spatial: Tensor, frames: slice) -> Tensor:
        """A_t L_k of these frames, (n, r, range)."""
        count = frames.stop - frames.start
        shape = (count, *self.operator.frame_domain)
        responses = [self.operator.forward_of(one.expand(shape), frames).flatten(1) for one in spatial]
        return torch.stack(responses, dim=1)


def frames_of(spatial: Tensor, psi: Tensor, frames: slice = slice(None)) -> Tensor:
    """sum_k Psi[t, k] L[k] at these frames: (n, *domain)."""
    return (psi[frames] @ spatial.flatten(1)).reshape(-1, *spatial.shape[1:])

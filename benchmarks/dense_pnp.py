"""Plug-and-play on the magnitude with a dense matrix and conjugate gradients, as its authors computed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

CG_STEPS, CG_TOLERANCE = 5, 1e-5


class DenseState(NamedTuple):
    """s, u1, d1 (voxel,); u2, d2, A s (measurement,); ``change`` of |s| in the last iteration."""

    s: Tensor
    u1: Tensor
    u2: Tensor
    d1: Tensor
    d2: Tensor
    a_s: Tensor
    change: float


class DensePnp:
    """The iteration of Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), for one item.

    Args:
        matrix: A, (measurement, voxel), held as it is; adjoints conjugate vectors, not the matrix.
        y: (measurement,). epsilon: absolute.
        denoise: of a real magnitude (voxel,) with a peak of about 1.

    Written from the equations. Differs from the authors' code in that magnitudes are clipped at 0, where
    theirs flip the phase, and that the start is given.
    """

    def __init__(
        self, matrix: Tensor, y: Tensor, epsilon: float, kappa: float, denoise: Callable[[Tensor], Tensor]
    ) -> None:
        self.matrix, self.y, self.epsilon = matrix, y.to(matrix.dtype), epsilon
        self.kappa, self.denoise = kappa, denoise

    def start(self, s: Tensor) -> DenseState:
        s = s.to(self.matrix.dtype)
        a_s = self.matrix @ s
        return DenseState(s, s, a_s, torch.zeros_like(s), torch.zeros_like(a_s), a_s, float("inf"))

    def step(self, state: DenseState) -> DenseState:
        b = self.kappa * (state.u1 + state.d1) + self._adjoint(state.u2 + state.d2)
        s = self._solve(b, state.s)
        z = s - state.d1
        u1 = torch.polar(self.denoise(z.abs()).clamp_min(0), z.angle())
        a_s = self.matrix @ s
        q = a_s - state.d2 - self.y
        u2 = self.y + q * min(1.0, self.epsilon / max(float(q.norm()), 1e-300))
        d1, d2 = state.d1 - (s - u1), state.d2 - (a_s - u2)
        before = state.s.abs()
        return DenseState(s, u1, u2, d1, d2, a_s, float((s.abs() - before).norm() / before.norm()))

    def _adjoint(self, v: Tensor) -> Tensor:
        return (v.conj().resolve_conj() @ self.matrix).conj().resolve_conj()

    def _solve(self, b: Tensor, s: Tensor) -> Tensor:
        r = b - self._normal(s)
        p, rr = r, float(r.norm()) ** 2
        for _ in range(CG_STEPS):
            if rr == 0:
                break
            normal_p = self._normal(p)
            step = rr / float(torch.vdot(p, normal_p).real)
            s, r = s + step * p, r - step * normal_p
            if step * float(p.norm()) < CG_TOLERANCE * float(s.norm()):
                break
            before, rr = rr, float(r.norm()) ** 2
            p = r + (rr / before) * p
        return s

    def _normal(self, v: Tensor) -> Tensor:
        return self.kappa * v + self._adjoint(self.matrix @ v)

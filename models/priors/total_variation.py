"""Isotropic total variation of real or complex images, and its proximal map."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHECK_EVERY = 10  # inner iterations between two looks at the duality gap


def total_variation(x: Tensor) -> Tensor:
    """TV(x) = sum sqrt(|D_y x|^2 + |D_x x|^2) per item; D forward differences, 0 across the far edge.

    x: (*batch, ny, nx), real or complex. Returns float64 (*batch); the moduli are taken in x's precision.
    """
    planes = _to_planes(x)
    gradient = planes.new_zeros((2, *planes.shape))
    _add_gradient(planes, gradient, 1.0, torch.empty_like(planes))
    return _pixel_modulus(gradient).sum((-2, -1), dtype=torch.float64)


def tv_prox(
    v: Tensor, lam: float, *, n_iter: int = 20, tol: float = 0.0, dual: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """x = argmin_x 1/2 ||x - v||^2 + lam TV(x) and its dual variable, by fast gradient projection:

        x = v - D^H u,  u = argmin_u 1/2 ||v - D^H u||^2  subject to  |u_y|^2 + |u_x|^2 <= lam^2 pointwise
        u_k = P(q + D(v - D^H q) / 8),   q = u_k + (t_k - 1) / t_{k+1} (u_k - u_{k-1})

    P scales the complex pair (u_y, u_x) of a pixel back to modulus lam: real and imaginary part shrink
    together, so that a global phase of v passes through to x.

    Args:
        v: (*batch, ny, nx), real or complex.
        tol: stop where the duality gap <= ``tol`` times 1/2 ||v||^2, looked at every 10 iterations; the gap,
            sum lam |D x| - Re<u, D x>, is a sum of non-negative terms. 0 never looks.
        dual: u to start from as an earlier call returned it, (*batch, 2, ny, nx) of v's dtype; else zero.

    Stateless: v and dual are left as they are. Raises ValueError if lam < 0, n_iter < 1 or dual's shape does
    not fit.
    Source: Beck & Teboulle, IEEE Trans. Image Process. 18:2419 (2009). Theirs is for real images with the
    dual in the unit ball; our u is lam times theirs.
    """
    if not 0 <= lam < math.inf:
        raise ValueError(f"lam must be at least 0 and finite, got {lam}")
    shape = (*v.shape[:-2], 2, *v.shape[-2:])
    if dual is None:
        dual = v.new_zeros(shape)
    if tuple(dual.shape) != shape:
        raise ValueError(f"dual must have shape {shape}, got {tuple(dual.shape)}")
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    if lam == 0:
        return v.clone(), torch.zeros_like(dual)
    planes = _to_planes(v)
    u = _fast_gradient_projection(planes, _to_planes(dual.movedim(-3, 0)).transpose(0, 1), lam, n_iter, tol)
    x = torch.empty_like(planes)
    _subtract_divergence(planes, u, x)
    return _from_planes(x), _from_planes(u.transpose(0, 1)).movedim(0, -3).contiguous()


def _fast_gradient_projection(v: Tensor, u: Tensor, lam: float, n_iter: int, tol: float) -> Tensor:
    """The loop of ``tv_prox`` on real planes, from ``u``, in buffers allocated once."""
    x, scratch = torch.empty_like(v), torch.empty_like(v)
    q, t = u.clone(memory_format=torch.contiguous_format), 1.0
    u = torch.zeros_like(q)
    enough = tol * 0.5 * v.square().sum(dtype=torch.float64).item() if tol else 0.0
    for k in range(1, n_iter + 1):
        _subtract_divergence(v, q, x)
        _add_gradient(x, q, 1 / 8, scratch)  # ||D||^2 <= 8
        _project(q, lam)  # q has become u_k, u is still u_{k-1}
        if tol and k % CHECK_EVERY == 0 and _duality_gap(v, q, lam) <= enough:
            return q
        # with t = 1 the weight is 1: the first u is not read
        t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
        torch.lerp(u, q, 1 + (t - 1) / t_next, out=u)
        q, u, t = u, q, t_next
    return u


def _to_planes(x: Tensor) -> Tensor:
    """(*batch, ny, nx) as contiguous real planes (1 | 2, *batch, ny, nx): a strided last axis is slow."""
    return torch.view_as_real(x).movedim(-1, 0).contiguous() if x.is_complex() else x[None].contiguous()


def _from_planes(planes: Tensor) -> Tensor:
    return torch.complex(planes[0], planes[1]) if len(planes) == 2 else planes[0]


def _subtract_divergence(v: Tensor, u: Tensor, out: Tensor) -> None:
    """out = v - D^H u. Shifts run over flat memory: u_y is 0 in the last row and u_x in the last column."""
    nx = v.shape[-1]
    torch.add(v, u[0], out=out).add_(u[1])
    out.view(-1)[nx:].sub_(u[0].view(-1)[:-nx])
    out.view(-1)[1:].sub_(u[1].view(-1)[:-1])


def _add_gradient(x: Tensor, u: Tensor, scale: float, scratch: Tensor) -> None:
    """u += scale D x, for u that is 0 in u_y's last row and u_x's last column, as D x is."""
    for part, shift, edge in ((u[0], x.shape[-1], u[0][..., -1, :]), (u[1], 1, u[1][..., -1])):
        flat = x.view(-1)
        difference = torch.sub(flat[shift:], flat[:-shift], out=scratch.view(-1)[shift:])
        part.view(-1)[:-shift].add_(difference, alpha=scale)
        edge.zero_()  # the flat difference ran on into the next row, or the next image


def _pixel_modulus(u: Tensor) -> Tensor:
    """sqrt(|u_y|^2 + |u_x|^2), planes (2, 1 | 2, *batch, ny, nx) to (*batch, ny, nx)."""
    first, *others = u.flatten(0, 1)
    total = first * first
    for plane in others:
        total.addcmul_(plane, plane)
    return total.sqrt_()


def _project(u: Tensor, lam: float) -> Tensor:
    """Scale every pixel of ``u`` in place into the ball of radius lam; inside, the factor is 1 exactly."""
    return u.mul_(_pixel_modulus(u).div_(lam).clamp_min_(1).reciprocal_())


def _duality_gap(v: Tensor, u: Tensor, lam: float) -> float:
    """sum lam |D x| - Re<u, D x> at x = v - D^H u."""
    x, gradient = torch.empty_like(v), torch.zeros_like(u)
    _subtract_divergence(v, u, x)
    _add_gradient(x, gradient, 1.0, torch.empty_like(v))
    total = lam * _pixel_modulus(gradient).sum(dtype=torch.float64)
    return float(total - (u * gradient).sum(dtype=torch.float64))

"""Isotropic total variation of real or complex images and volumes, and its proximal map."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

CHECK_EVERY = 10  # inner iterations between two looks at the duality gap


def total_variation(x: Tensor, *, n_axes: int = 2) -> Tensor:
    """TV(x) = sum sqrt(sum_a |D_a x|^2) per item over the last ``n_axes`` axes a, 2 or 3 as (z, y, x).

    D_a are forward differences, 0 across the far edge. x: (*batch, *domain), real or complex. Returns float64
    (*batch); the moduli are taken in x's precision. Raises ValueError if x has fewer axes.
    """
    _check_axes("x", x, n_axes)
    planes = _to_planes(x)
    gradient = _field(planes.new_zeros((n_axes, *planes.shape)))
    _add_gradient(planes, gradient, 1.0, torch.empty_like(planes))
    return _pixel_modulus(gradient.whole).sum(tuple(range(-n_axes, 0)), dtype=torch.float64)


def tv_prox(
    v: Tensor,
    lam: float,
    *,
    n_axes: int = 2,
    nonnegative: bool = False,
    n_iter: int = 20,
    tol: float = 0.0,
    dual: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """x = argmin_{x in C} 1/2 ||x - v||^2 + lam TV(x) and its dual variable, by fast gradient projection:

        x = P_C(v - D^H u),  u = argmin_u of the dual problem  subject to  sum_a |u_a|^2 <= lam^2 pointwise
        u_k = P(q + D P_C(v - D^H q) / L),   q = u_k + (t_k - 1) / t_{k+1} (u_k - u_{k-1})

    with L = 4 n_axes >= ||D||^2. C is everything, or with ``nonnegative`` the real x >= 0: then P_C keeps
    the real part and sets what is negative to 0. P scales the vector u_a of a pixel, complex for complex v,
    back to modulus lam: real and imaginary part shrink together, so that a global phase of v passes through.

    Args:
        v: (*batch, *domain), real or complex, with ``n_axes`` axes of domain, 2 or 3.
        tol: stop where the duality gap <= ``tol`` times 1/2 ||v||^2, looked at every 10 iterations; the gap,
            sum lam |D x| - Re<u, D x>, is a sum of non-negative terms. 0 never looks.
        dual: u to start from as an earlier call returned it, (*batch, n_axes, *domain), see
            ``zero_dual``; else zero.

    Stateless: v and dual are left as they are. x is of v's dtype. Raises ValueError if lam < 0, n_iter < 1,
    or dual's shape or the number of axes does not fit.
    Source: Beck & Teboulle, IEEE Trans. Image Process. 18:2419 (2009). Theirs is for real images with the
    dual in the unit ball; our u is lam times theirs.
    """
    if not 0 <= lam < math.inf:
        raise ValueError(f"lam must be at least 0 and finite, got {lam}")
    _check_axes("v", v, n_axes)
    zero = zero_dual(v, n_axes=n_axes, nonnegative=nonnegative)
    if dual is None:
        dual = zero
    if dual.shape != zero.shape:
        raise ValueError(f"dual must have shape {tuple(zero.shape)}, got {tuple(dual.shape)}")
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    if lam == 0:
        return v.real.clamp_min(0).to(v.dtype) if nonnegative else v.clone(), zero
    planes = _to_planes(v.real if nonnegative else v)
    u = _to_planes(dual.movedim(-n_axes - 1, 0)).transpose(0, 1)
    u = _fast_gradient_projection(planes, u, lam, n_iter, tol, nonnegative)
    x = torch.empty_like(planes)
    _primal(planes, _field(u), nonnegative, x)
    return _from_planes(x).to(v.dtype), _from_planes(u.transpose(0, 1)).movedim(0, -n_axes - 1).contiguous()


def zero_dual(v: Tensor, *, n_axes: int = 2, nonnegative: bool = False) -> Tensor:
    """The dual variable that ``tv_prox`` starts from: (*batch, n_axes, *domain), real for ``nonnegative``."""
    shape = (*v.shape[:-n_axes], n_axes, *v.shape[-n_axes:])
    return v.new_zeros(shape, dtype=v.real.dtype if nonnegative else v.dtype)


def _check_axes(name: str, x: Tensor, n_axes: int) -> None:
    if n_axes not in (2, 3):
        raise ValueError(f"n_axes must be 2 or 3, got {n_axes}")
    if x.ndim < n_axes:
        raise ValueError(f"{name} must have at least {n_axes} axes, got shape {tuple(x.shape)}")


class _Field(NamedTuple):
    """Planes (n_axes, 1 | 2, *batch, *domain) of a vector per pixel, cut up once for many iterations.

    Shifts run over flat memory, which is right for a field that is 0 at the far edge of each axis.
    """

    whole: Tensor
    along: list[Tensor]  # the component along each axis a
    heads: list[Tensor]  # its flat memory without the last ``shift`` elements
    edges: list[Tensor]  # its last entries along a
    shifts: list[int]  # elements from a pixel to its neighbour along a


def _field(whole: Tensor) -> _Field:
    along, n_axes = list(whole), len(whole)
    shifts = [math.prod(whole.shape[axis - n_axes + 1 :]) for axis in range(n_axes - 1)] + [1]
    heads = [part.view(-1)[:-shift] for part, shift in zip(along, shifts, strict=True)]
    edges = [part.select(axis - n_axes, -1) for axis, part in enumerate(along)]
    return _Field(whole, along, heads, edges, shifts)


def _fast_gradient_projection(
    v: Tensor, u: Tensor, lam: float, n_iter: int, tol: float, nonnegative: bool
) -> Tensor:
    """The loop of ``tv_prox`` on real planes, from ``u``, in buffers allocated once."""
    x, scratch = torch.empty_like(v), torch.empty_like(v)
    q, t = _field(u.clone(memory_format=torch.contiguous_format)), 1.0
    last, scale = _field(torch.zeros_like(q.whole)), 1 / (4 * len(u))  # ||D||^2 <= 4 per axis
    enough = tol * 0.5 * v.square().sum(dtype=torch.float64).item() if tol else 0.0
    for k in range(1, n_iter + 1):
        _primal(v, q, nonnegative, x)
        _add_gradient(x, q, scale, scratch)
        _project(q.whole, lam)  # q has become u_k, last is still u_{k-1}
        if tol and k % CHECK_EVERY == 0 and _duality_gap(v, q, lam, nonnegative) <= enough:
            return q.whole
        # with t = 1 the weight is 1: the first u is not read
        t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
        torch.lerp(last.whole, q.whole, 1 + (t - 1) / t_next, out=last.whole)
        q, last, t = last, q, t_next
    return last.whole


def _to_planes(x: Tensor) -> Tensor:
    """(*batch, *domain) as contiguous real planes (1 | 2, *batch, *domain): a strided last axis is slow."""
    return torch.view_as_real(x).movedim(-1, 0).contiguous() if x.is_complex() else x[None].contiguous()


def _from_planes(planes: Tensor) -> Tensor:
    return torch.complex(planes[0], planes[1]) if len(planes) == 2 else planes[0]


def _primal(v: Tensor, u: _Field, nonnegative: bool, out: Tensor) -> None:
    """out = P_C(v - D^H u)."""
    torch.add(v, u.along[0], out=out)
    for part in u.along[1:]:
        out.add_(part)
    flat = out.view(-1)
    for head, shift in zip(u.heads, u.shifts, strict=True):
        flat[shift:].sub_(head)
    if nonnegative:
        out.clamp_min_(0)


def _add_gradient(x: Tensor, u: _Field, scale: float, scratch: Tensor) -> None:
    """u += scale D x."""
    flat, scratch = x.view(-1), scratch.view(-1)
    for head, edge, shift in zip(u.heads, u.edges, u.shifts, strict=True):
        head.add_(torch.sub(flat[shift:], flat[:-shift], out=scratch[shift:]), alpha=scale)
        edge.zero_()  # the flat difference ran on past the edge


def _pixel_modulus(u: Tensor) -> Tensor:
    """sqrt(sum_a |u_a|^2), planes (n_axes, 1 | 2, *batch, *domain) to (*batch, *domain)."""
    first, *others = u.flatten(0, 1)
    total = first * first
    for plane in others:
        total.addcmul_(plane, plane)
    return total.sqrt_()


def _project(u: Tensor, lam: float) -> Tensor:
    """Scale every pixel of ``u`` in place into the ball of radius lam; inside, the factor is 1 exactly."""
    return u.mul_(_pixel_modulus(u).div_(lam).clamp_min_(1).reciprocal_())


def _duality_gap(v: Tensor, u: _Field, lam: float, nonnegative: bool) -> float:
    """sum lam |D x| - Re<u, D x> at x = P_C(v - D^H u)."""
    x, gradient = torch.empty_like(v), _field(torch.zeros_like(u.whole))
    _primal(v, u, nonnegative, x)
    _add_gradient(x, gradient, 1.0, torch.empty_like(v))
    total = lam * _pixel_modulus(gradient.whole).sum(dtype=torch.float64)
    return float(total - (u.whole * gradient.whole).sum(dtype=torch.float64))

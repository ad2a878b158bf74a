"""Least squares with a total-variation penalty."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.priors.total_variation import total_variation, tv_prox, zero_dual
from proxflow.models.solvers.fista import fista
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


def tv(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    lam: float = 1e-3,
    tol: float = 1e-4,
    n_inner: int = 10,
    nonnegative: bool = False,
    lipschitz: float = 1.0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = argmin_{x in C} 1/2 ||A x - y||^2 + lam sum sqrt(sum_a |D_a x|^2), by FISTA from x = 0.

    Args:
        operator: of images (ny, nx) or volumes (z, y, x); D_a are the differences along each axis, one weight
            for all: voxels are taken as cubes.
        y: (*batch, *range), zero where nothing was sampled, scaled so that max |A^H y| = 1.
        lam: in that scale, >= 0.
        n_inner: iterations of the inner dual problem, which starts where the last one ended; its
            variable is part of the state, so that a resumed run is the same run. More cost little and
            bring little, since ``fista_step`` restarts where the rest of the error makes the objective rise.
        nonnegative: C is the real x >= 0 instead of everything; a complex image gets imaginary part 0.
        lipschitz: an upper bound of ||A||^2. 1 holds for an orthonormal FFT with coil maps of
            sum |S_c|^2 <= 1; for other operators give ``operator_norm(operator) ** 2``.

    Pixels that A does not see (``operator.support``; coil maps of 0 outside the object) are zero.

    Raises ValueError if lam < 0, lipschitz <= 0 or the domain has other than 2 or 3 axes; DivergenceError
    on NaN or infinity, or where ``lipschitz`` is so low that the objective grows.
    Source: Beck & Teboulle, IEEE Trans. Image Process. 18:2419 (2009), with adaptive restart (see
    ``fista_step``), a warm-started inner problem, complex images and volumes; theirs deblurs real images.
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    n_axes = len(operator.domain_shape)
    b = operator.adjoint(y)

    def prox(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, memory = tv_prox(
            v, step * lam, n_axes=n_axes, nonnegative=nonnegative, n_iter=n_inner, dual=memory
        )
        return x, lam * total_variation(x, n_axes=n_axes), memory

    image, trace = fista(
        operator.normal,
        b,
        squared_norm(y, y.ndim),
        prox,
        zero_dual(b, n_axes=n_axes, nonnegative=nonnegative),
        n_axes=n_axes,
        lipschitz=lipschitz,
        support=operator.support,
        n_iter=n_iter,
        tol=tol,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(image, trace)

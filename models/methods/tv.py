"""Least squares with a total-variation penalty."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.priors.total_variation import total_variation, tv_prox
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
    lipschitz: float = 1.0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = argmin 1/2 ||A x - y||^2 + lam sum sqrt(|D_y x|^2 + |D_x x|^2), by FISTA from x = 0.

    Args:
        operator: of images (ny, nx).
        y: (*batch, *range), zero where nothing was sampled, scaled so that max |A^H y| = 1.
        lam: in that scale, >= 0.
        n_inner: iterations of the inner dual problem, which starts where the last one ended; its
            variable is part of the state, so that a resumed run is the same run. More cost little and
            bring little, since ``fista_step`` restarts where the rest of the error makes the objective rise.
        lipschitz: an upper bound of ||A||^2. 1 holds for an orthonormal FFT with coil maps of
            sum |S_c|^2 <= 1; for other operators give ``operator_norm(operator) ** 2``.

    Pixels that A does not see (``operator.support``; coil maps of 0 outside the object) are zero.

    Raises ValueError if lam < 0 or lipschitz <= 0; DivergenceError on NaN or infinity, or where
    ``lipschitz`` is so low that the objective grows.
    Source: Beck & Teboulle, IEEE Trans. Image Process. 18:2419 (2009), with adaptive restart (see
    ``fista_step``), a warm-started inner problem and complex images; theirs deblurs real ones.
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    b = operator.adjoint(y)
    dual = b.new_zeros((*b.shape[:-2], 2, *b.shape[-2:]))

    def prox(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, memory = tv_prox(v, step * lam, n_iter=n_inner, dual=memory)
        return x, lam * total_variation(x), memory

    image, trace = fista(
        operator.normal,
        b,
        squared_norm(y, y.ndim),
        prox,
        dual,
        n_axes=len(operator.domain_shape),
        lipschitz=lipschitz,
        support=operator.support,
        n_iter=n_iter,
        tol=tol,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(image, trace)

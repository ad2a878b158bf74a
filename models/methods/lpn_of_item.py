"""Learned proximal networks on one item of a scan: its unit, and what can be certified of the image."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from proxflow.models.calibration.image_unit import bright, first_image, units_of
from proxflow.models.calibration.seen_voxels import seen_voxels
from proxflow.models.learned_prox.conditions import require
from proxflow.models.learned_prox.image_prox import ImageProx
from proxflow.models.learned_prox.learned_prior import LearnedPrior
from proxflow.models.learned_prox.relaxed_prox import RelaxedProx
from proxflow.models.learned_prox.windows import Patching
from proxflow.models.methods.lpn import Setting, Solver, lpn_conditions, lpn_from, step_of
from proxflow.models.methods.lpn_certificate import CertifiedRun, lpn_certificate
from proxflow.models.methods.lpn_problem import LpnProblem
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


def lpn_of_item(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: LearnedPrior,
    solver: Solver = "admm",
    setting: Setting = "guaranteed",
    n_iter: int = 50,
    s: float = 0.5,
    eta: float | None = None,
    rho: float | None = None,
    strength: float = 1.0,
    warm_up: int = 0,
    box: bool = False,
    patches: Patching = "exact",
    stride: int | None = None,
    n_cg: int = 30,
    n_newton: int = 3,
    unit: float | None = None,
    tol: float = 1e-4,
    image_scale: float = 1.0,
    certified: bool = False,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``lpn`` from ``first_image``, with L_h = 2 s.

    Args:
        operator: A of norm 1 at most, of one image (y, x) or one volume (z, y, x).
        y: its measurements, of shape ``range``; zeros were not measured.
        strength: t, of ``RelaxedProx``: how much of the network's step is taken, and R with it.
        warm_up: iterations first of admm with all of the network's step and a rho of ``strength`` times the
            weight of R, so that the prior counts about as much as in those that follow: steps are as much
            longer, and nothing is guaranteed of them. The trace begins after them. Ours.
        patches, stride: of ``NetworkProx``.
        n_newton: steps to find the prior's values of a certificate; 0: none.
        unit: what is 1 to the network, in the unit of the object, ``image_scale`` times that of x; None: the
            bright voxels of the first image.
        certified: whether the result has a ``Certificate``: the conditions, and R of the first image and of
            the one delivered, where patches are exact.

    Raises UnsuitableError where the network, its patches or the numbers do not go with the measurements, or
    break a condition of ``guaranteed``.
    """
    b, yy = operator.adjoint(y), squared_norm(y, len(operator.range_shape))
    whole = prior.prox(patches, stride, (b.shape[-2], b.shape[-1]), b.dtype)
    prox = RelaxedProx(whole, strength)
    lipschitz = 2 * s
    step = step_of(solver, setting, lipschitz, eta, rho)
    if setting == "guaranteed":
        require(lpn_conditions(prox, solver, step, lipschitz, box=box))
    first = first_image(operator, b)
    told = None if unit is None else unit / image_scale
    one = units_of(told, yy, lambda: bright(first, len(operator.domain_shape)))
    problem = LpnProblem(operator, b, yy, ImageProx(prox, one, seen_voxels(operator, b)), s, box)
    run = CertifiedRun(problem, solver, step, strength)
    start = first
    if warm_up and resume is None:
        all_of_it = replace(problem, prox=ImageProx(whole, one, problem.prox.support))
        start = lpn_from(
            all_of_it, first, solver="admm", step=strength * run.weight, n_iter=warm_up, n_cg=n_cg, tol=tol
        ).image
    found = lpn_from(
        problem, start, solver=solver, step=step, n_iter=n_iter, n_cg=n_cg, tol=tol, monitor=monitor,
        resume=resume,
    )  # fmt: skip
    if not certified:
        return found
    certificate = lpn_certificate(run, first, found, within=prior.within, n_newton=n_newton)
    return replace(found, certificate=certificate)

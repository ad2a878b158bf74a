"""Learned proximal networks: plug-and-play whose prior is one, with an objective that can be watched."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from proxflow.models.calibration.image_unit import bright, first_image, units_of
from proxflow.models.calibration.seen_voxels import seen_voxels
from proxflow.models.learned_prox.conditions import Condition, admm_conditions, pgd_conditions, require
from proxflow.models.learned_prox.evaluated import LearnedProx
from proxflow.models.learned_prox.image_prox import ImageProx
from proxflow.models.learned_prox.published import PUBLISHED_ETA
from proxflow.models.methods.lpn_admm import lpn_admm
from proxflow.models.methods.lpn_pgd import lpn_pgd
from proxflow.models.methods.lpn_problem import LpnProblem
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator
from proxflow.operators.operator_norm import operator_norm

Solver = Literal["pgd", "admm"]
Setting = Literal["guaranteed", "published"]

NORM_MARGIN, NORM_STEPS = 1.02, 50  # a power iteration never exceeds ||A||, and may fall short of it
ETA, RHO = 0.95, 1.05  # times 1 / L_h and L_h, where nobody says
PUBLISHED_RHO = 0.1


def lpn(
    operator: LinearOperator,
    y: Tensor,
    *,
    prox: LearnedProx,
    solver: Solver = "admm",
    setting: Setting = "guaranteed",
    n_iter: int = 50,
    s: float = 0.5,
    eta: float | None = None,
    rho: float | None = None,
    box: bool = False,
    n_cg: int = 30,
    tol: float = 1e-4,
    unit: Tensor | float | None = None,
    start: Tensor | None = None,
    norm: float | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """min_x s ||A x - y||^2 + weight R(x), R the prior whose proximal operator ``prox`` is.

    ``pgd``: weight 1 / eta (``lpn_pgd``); ``admm``: weight rho (``lpn_admm``). f knows one strength, that of
    its training: eta and rho weigh R against the data, they do not rescale f. ``RelaxedProx`` does.

    ``guaranteed``: the conditions of convergence are checked (``lpn_conditions``), eta = 0.95 / L_h or
    rho = 1.05 L_h where not given, L_h = 2 s ||A||^2: the reported objective never increases but for
    rounding, in float32 about 1e-6 of psi, as long as ``clipped`` is 0, and data steps are solved: where a
    network of one channel has f(|v|) < 0 of complex images, R is not that of the image; and ``n_cg`` may be
    too few for admm. ``published``: nothing is checked; eta = 2 or rho = 0.1, as in the experiments of the
    paper, which break the conditions and stop early.

    Voxels that A does not see are 0, to the network and of the image: ``seen_voxels``.

    Args:
        operator: A, of images (y, x), colour images (3, y, x) for a network of three channels, or volumes
            (z, y, x), slice by slice.
        y: (*batch, *range), zero where nothing was sampled.
        box: real images are kept within 0 and 1 of their unit: by clipping after each step (pgd) or as a
            second splitting (admm). Not part of what is guaranteed.
        n_cg: most steps of conjugate gradients of a data step of admm, from the iterate.
        unit: what is 1 to f, in the unit of x: a number, or one per item (*batch); None: found in the data,
            ``bright`` of the start. R is then c^2 R(x / c).
        start: (*batch, *domain); None: ``first_image``.
        norm: a bound of ||A||; None: by power iteration, with 2 % added.

    Raises ValueError for numbers out of range, UnsuitableError for a condition that does not hold in
    ``guaranteed``, where the network is not for such images, or a box is asked for of complex ones,
    DivergenceError on NaN or infinity.
    Source: Fang, Buchanan & Sulam, "What's in a prior? Learned proximal networks for inverse problems", ICLR
    2024.
    """
    b, yy = operator.adjoint(y), squared_norm(y, len(operator.range_shape))
    lipschitz = lipschitz_of(operator, s, norm=norm, like=b) if setting == "guaranteed" else 0.0
    step = step_of(solver, setting, lipschitz, eta, rho)
    if setting == "guaranteed":
        require(lpn_conditions(prox, solver, step, lipschitz, box=box))
    first = first_image(operator, b) if start is None else start
    units = units_of(unit, yy, lambda: bright(first, len(operator.domain_shape)))
    problem = LpnProblem(operator, b, yy, ImageProx(prox, units, seen_voxels(operator, b)), s, box)
    return lpn_from(
        problem, first, solver=solver, step=step, n_iter=n_iter, n_cg=n_cg, tol=tol, monitor=monitor,
        resume=resume,
    )  # fmt: skip


def lpn_from(
    problem: LpnProblem,
    first: Tensor,
    *,
    solver: Solver,
    step: float,
    n_iter: int,
    n_cg: int,
    tol: float,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``lpn`` of a problem that was posed, from the image ``first``; no condition is checked.

    step: eta of pgd, rho of admm.  Raises as ``lpn``.
    """
    if not (problem.s > 0 and n_cg >= 1):
        raise ValueError(f"s must be positive and n_cg at least 1, got {problem.s} and {n_cg}")
    if problem.box and first.is_complex():
        raise UnsuitableError("box must be false for complex images, got true")
    if solver == "pgd":
        return lpn_pgd(problem, first, eta=step, n_iter=n_iter, tol=tol, monitor=monitor, resume=resume)
    return lpn_admm(
        problem, first, rho=step, n_iter=n_iter, n_cg=n_cg, tol=tol, monitor=monitor, resume=resume
    )


def lpn_conditions(
    prox: LearnedProx, solver: Solver, step: float, lipschitz: float, *, box: bool = False
) -> tuple[Condition, ...]:
    """What convergence asks for, and whether it holds: the certificate of a run of either setting.

    step: eta of pgd, rho of admm.  lipschitz: L_h, ``lipschitz_of``.
    """
    make = pgd_conditions if solver == "pgd" else admm_conditions
    return make(prox, step, lipschitz, box)


def lipschitz_of(operator: LinearOperator, s: float, *, norm: float | None, like: Tensor) -> float:
    """L_h = 2 s ||A||^2 of grad h, ||A|| being ``norm``, or a power iteration's and 2 % more.

    like: an image, for its dtype and device.
    """
    if norm is None:
        norm = NORM_MARGIN * operator_norm(operator, n_iter=NORM_STEPS, dtype=like.dtype, device=like.device)
    return 2 * s * norm**2


def step_of(
    solver: Solver, setting: Setting, lipschitz: float, eta: float | None, rho: float | None
) -> float:
    """eta of pgd, rho of admm: what is given, or what the setting chooses; L_h is ``lipschitz``.

    Raises ValueError for another name, the other solver's number, and one out of range.
    """
    if solver not in ("pgd", "admm"):
        raise ValueError(f"solver must be pgd or admm, got {solver!r}")
    if setting not in ("guaranteed", "published"):
        raise ValueError(f"setting must be guaranteed or published, got {setting!r}")
    name, given, other = ("eta", eta, rho) if solver == "pgd" else ("rho", rho, eta)
    if other is not None:
        raise ValueError(f"{'rho' if solver == 'pgd' else 'eta'} must not be given to {solver}, got {other}")
    if given is not None:
        if not 0 < given < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {given}")
        return given
    if setting == "published":
        return PUBLISHED_ETA if solver == "pgd" else PUBLISHED_RHO
    scale = lipschitz or 1.0  # of the zero operator, which leaves any step
    return ETA / scale if solver == "pgd" else RHO * scale
